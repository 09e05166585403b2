//! Where things are: the top of this checkout, its target folder, the lab's folder.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// One checkout of the repository.
#[derive(Debug, Clone)]
pub struct Checkout {
    top: PathBuf,
    target: PathBuf,
}

impl Checkout {
    /// Finds the checkout that holds the working directory.
    pub fn find() -> Result<Self> {
        let here = std::env::current_dir().context("reading the working directory")?;
        let top = here
            .ancestors()
            .find(|folder| folder.join("xtask/Cargo.toml").is_file())
            .with_context(|| format!("no xtask/Cargo.toml in {} or above", here.display()))?
            .to_path_buf();
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => here.join(folder),
            None => top.join("target"),
        };
        Ok(Self { top, target })
    }

    /// The folder that holds `Cargo.toml` and `Cargo.lock`.
    pub fn top(&self) -> &Path {
        &self.top
    }

    /// Where cargo and the tasks put what they make.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// The folder of this checkout's lab.
    pub fn lab(&self) -> PathBuf {
        self.target.join("lab")
    }
}
