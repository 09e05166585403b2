//! A person's decision about one plan: asked for, granted with evidence, spent once.

pub mod evidence;
pub mod grant;
pub mod store;

pub use evidence::{Channel, Evidence};
pub use grant::{Approval, Request};
pub use store::{ApprovalRecord, ApprovalState, ApprovalStore};
