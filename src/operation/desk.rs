//! What only people do: decide, reconcile, verify. No tool leads here.

pub mod approve;
pub mod decider;
pub mod move_state;
pub mod reconcile;

pub use decider::{Decider, Person};
