//! Integration tests, hermetic lane.
