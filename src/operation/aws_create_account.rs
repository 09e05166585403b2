//! `aws_create_account`: make an account in an organization, place it, furnish it. The work is in [`account`](super::account).

use super::account::{CreateAccount, CreateAccountRequest};
use super::answer::ChangeAnswer;
use super::catalog::{self, Kind, Tool};
use crate::model::Effect;

/// The tool.
pub static TOOL: Tool = Tool {
    name: "aws_create_account",
    title: "Create AWS account",
    about: "Makes an account in an AWS organization and places it in an OU. The same call again finds \
            what was made and goes on. Works like apply_terraform.",
    effect: Effect::Change,
    input: catalog::change::<CreateAccountRequest>,
    output: catalog::answer::<ChangeAnswer>,
    kind: Kind::Write(&CreateAccount),
};
