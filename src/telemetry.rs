//! Where our own warnings go: standard error, one line each. Traces and metrics are not there yet.

use tracing_subscriber::filter::LevelFilter;

/// Sets it up, once. Standard output belongs to answers and to the protocol.
pub fn warn_on_stderr() {
    let lines = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::WARN)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(false);
    // A program that embeds us may have set up its own.
    drop(lines.try_init());
}
