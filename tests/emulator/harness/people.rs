//! People at a terminal of their own.

use xtask::person::{Ending, Person};

use super::Project;

impl Project {
    /// A person approves; returns the word they had to type.
    #[track_caller]
    pub(crate) fn approves(&self, approval: &str) -> String {
        let (word, ending) = self.tries_to_approve(approval).unwrap();
        assert_eq!(ending.code, 0, "{}", ending.text);
        word
    }

    /// A person tries to approve.
    pub(crate) fn tries_to_approve(&self, approval: &str) -> Result<(String, Ending), String> {
        self.sits_down(&["approve", approval]).approve().map_err(|e| format!("{e:#}"))
    }

    /// A person reconciles by typing what they are asked for.
    #[track_caller]
    pub(crate) fn reconciles(&self, operation: &str, status: &str) {
        let mut person =
            self.sits_down(&["reconcile", operation, "--as", status, "--note", "looked at it"]);
        let word = person.sees("type `([^`]+)` to reconcile").unwrap();
        assert_eq!(word, "dev", "the environment's name is typed");
        person.types(&word).unwrap();
        let ending = person.leaves().unwrap();
        assert_eq!(ending.code, 0, "{}", ending.text);
    }

    /// A person in front of one command.
    pub(crate) fn sits_down(&self, arguments: &[&str]) -> Person {
        let config = self.config();
        let all: Vec<&str> =
            ["--config", &config].into_iter().chain(arguments.iter().copied()).collect();
        let program = std::path::Path::new(env!("CARGO_BIN_EXE_datamcp"));
        Person::sit_down(program, &all, &self.environment(), self.folder()).unwrap()
    }
}
