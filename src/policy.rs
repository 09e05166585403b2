//! Rules in, verdict out: pure, so that any question about a right can be answered by a test.

pub mod decision;
pub mod evaluate;
pub mod facts;

pub use decision::{Decision, Obligation, SelfApproval, Verdict};
pub use evaluate::{account, admit, evaluate};
pub use facts::{Facts, Wish};
