//! The program: composes and runs one invocation.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(feature = "aws")]
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
    // One thread is enough for tailing files and answering requests, and it starts fastest.
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(_) => return ExitCode::FAILURE,
    };
    let code = runtime.block_on(datamcp::app::main(std::env::args_os().collect()));
    // A read of standard input that nobody waits for any more must not keep the process.
    runtime.shutdown_background();
    code
}
