//! What the tests share: a user's project of their own, root modules, people, processes.

mod answer;
mod module;
mod people;
mod process;
mod project;
mod settings;

pub(crate) use answer::{Answered, structured};
pub(crate) use module::{Effects, chain, chain_on, module_of, step, three};
pub(crate) use process::{alive, argv, children_of_state, kill, terraform_apply, until};
pub(crate) use project::{Project, feed, for_real, running, with_provider};
pub(crate) use settings::Settings;
