//! Integration tests, hermetic lane.

#[cfg(test)]
mod contract;
