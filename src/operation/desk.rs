//! What only people do: decide, reconcile, sign in, verify. No tool leads here.

pub mod approve;
pub mod decider;
pub mod move_state;
pub mod reconcile;
pub mod sign_in;

pub use decider::{Decider, Person};
