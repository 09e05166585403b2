//! Integration tests, hermetic lane.

mod contract;
