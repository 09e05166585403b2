//! Who decides about a plan, and how we know: a person at a terminal, or one of whom a trusted program says so.

use jiff::Timestamp;

use crate::approval::{ApprovalRecord, Channel, Evidence};
use crate::config::Config;
use crate::error::{Error, ErrorCode, Result};
use crate::model::{Actor, Principal};
use crate::secret::Redactor;

/// Longest statement of a program, in characters.
const STATEMENT: usize = 500;

/// A person at a terminal.
#[derive(Debug, Clone)]
pub struct Person {
    /// The operating system's user.
    pub os_user: String,
    /// Name of the terminal.
    pub terminal: String,
}

/// Who decides, and how we know.
#[derive(Debug, Clone)]
pub struct Decider {
    /// Name of the person, as configuration calls them, or `os:NAME`.
    name: String,
    /// The operating system's user that is this person's own, when they have one here.
    own_user: Option<String>,
    /// The operating system's user that the decision comes from.
    os_user: String,
    channel: Channel,
    place: String,
    statement: Option<String>,
}

impl Decider {
    /// A person at a terminal: who they are follows from the operating system's user.
    pub fn at_terminal(config: &Config, person: &Person) -> Self {
        Self {
            name: config.approver(&person.os_user),
            own_user: Some(person.os_user.clone()),
            os_user: person.os_user.clone(),
            channel: Channel::Terminal,
            place: person.terminal.clone(),
            statement: None,
        }
    }

    /// A person of whom a program says that they decided. The settings have to list the program, under the user that it
    /// runs as, and the person.
    pub fn through(config: &Config, program: &str, os_user: &str, person: &str) -> Result<Self> {
        let listed = config.program(program).ok_or_else(|| {
            Error::new(
                ErrorCode::PolicyDenied,
                "deciding through a program: the settings do not list it",
            )
            .field("programs")
            .given(program)
            .next("the people who keep datamcp.toml add it under [programs], and to the tiers where its word counts")
        })?;
        if listed != os_user {
            return Err(Error::new(
                ErrorCode::PolicyDenied,
                format!("deciding through program {program}: it runs as another user than the settings say"),
            )
            .field(format!("programs.{program}.os_user"))
            .given(os_user)
            .allowed(listed));
        }
        let person = config.person(person).ok_or_else(|| {
            Error::invalid("person", person, "is nobody under [people]").allowed(
                config.people().iter().map(|p| p.name.as_str()).collect::<Vec<_>>().join(", "),
            )
        })?;
        Ok(Self {
            name: person.name.clone(),
            own_user: person.os_user.clone(),
            os_user: os_user.to_owned(),
            channel: Channel::Program,
            place: program.to_owned(),
            statement: None,
        })
    }

    /// The same, with the program's own evidence: required, one to 500 characters.
    pub fn stating(mut self, statement: &str) -> Result<Self> {
        let text = Redactor::default().clean(statement.trim());
        if text.is_empty() || text.chars().count() > STATEMENT {
            return Err(Error::invalid(
                "statement",
                statement,
                "does not say how the program knows",
            )
            .allowed(format!("1 to {STATEMENT} characters")));
        }
        self.statement = Some(text);
        Ok(self)
    }

    /// Name of the person.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn channel(&self) -> Channel {
        self.channel
    }

    /// The terminal, or the program.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// The decision as it is kept.
    pub(super) fn evidence(&self, typed_name: bool, at: Timestamp) -> Evidence {
        Evidence {
            approver: self.name.clone(),
            os_user: self.os_user.clone(),
            channel: self.channel,
            place: self.place.clone(),
            statement: self.statement.clone(),
            typed_name,
            at,
        }
    }

    /// Whether this is also who asked.
    pub(super) fn asked(&self, record: &ApprovalRecord) -> bool {
        self.own_user.as_ref() == Some(&record.requester_os_user) || self.name == record.requester.0
    }

    /// What the decision is worth, said plainly.
    pub(super) fn worth(&self, record: &ApprovalRecord) -> String {
        match (self.channel, self.asked(record)) {
            (Channel::Program, _) => format!(
                "program {} (user {}) says who decided: this is worth what its own way of asking is worth",
                self.place, self.os_user
            ),
            (Channel::Terminal, true) => "you decide as the same user that asked: this confirms, it does not bind a program that can use your terminal".to_owned(),
            (Channel::Terminal, false) => "you decide as another user than the one that asked".to_owned(),
        }
    }

    /// The decider as the log knows them.
    pub(super) fn actor(&self) -> Actor {
        Actor {
            principal: Principal(self.name.clone()),
            os_user: self.os_user.clone(),
            agent: (self.channel == Channel::Program).then(|| self.place.clone()),
        }
    }
}
