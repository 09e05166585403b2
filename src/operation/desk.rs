//! What only people do: decide, reconcile, verify. No tool leads here.

pub mod approve;
pub mod move_state;
pub mod reconcile;
