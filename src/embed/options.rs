//! How a program opens a project.

use std::path::{Path, PathBuf};

use super::Project;
use crate::app::embedded;
use crate::error::{Error, Result};
use crate::model::Actor;

/// How a program opens a project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    name: Option<String>,
    supervisor: Option<PathBuf>,
}

impl Options {
    /// For a program of this name: it is recorded with all that the program asks for, and under `[programs]` of the settings
    /// it may be trusted to bring people's decisions.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), supervisor: None }
    }

    /// The `datamcp` binary that supervises operations, instead of the first on `PATH`. A relative path begins at the working
    /// directory.
    #[must_use]
    pub fn supervisor(mut self, binary: impl Into<PathBuf>) -> Self {
        self.supervisor = Some(binary.into());
        self
    }

    /// Opens the project of this settings file. Reads the settings and asks the supervisor binary for its version; stores
    /// open on first use.
    pub async fn open(self, settings: impl AsRef<Path>) -> Result<Project> {
        if let Some(name) = &self.name {
            let good = (1..=60).contains(&name.len()) && name.chars().all(|c| c.is_ascii_graphic());
            if !good {
                return Err(Error::invalid("name", name, "is not a name of a program")
                    .allowed("1 to 60 printable ASCII characters without blanks"));
            }
        }
        let (world, surroundings) = embedded(settings.as_ref(), self.supervisor.as_deref()).await?;
        let actor = Actor {
            principal: world.config.principal(&surroundings.os_user).name,
            os_user: surroundings.os_user,
            agent: self.name.clone(),
        };
        Ok(Project { world, actor, program: self.name })
    }
}
