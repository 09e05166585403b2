//! A program with a way of its own to ask people: plan, show, decide, apply with progress, outputs.
//!
//! ```text
//! cargo run --example apply_plan -- datamcp.toml dev [PATH-OF-DATAMCP]
//! ```
//!
//! Its "chat" is standard input and output: it shows what a person has to see, and reads one line for each question, of the
//! form `PERSON WORD` (or `PERSON no`). A real program would ask by its portal, its tickets or its messenger, and would
//! know by its own sign-in who answered. `[programs.portal]` and `programs = ["portal"]` of the tier in `datamcp.toml` let
//! it do so.
#![expect(clippy::print_stdout, reason = "this program talks to a person")]

use std::io::BufRead;

use datamcp::embed::{ApprovalId, Cloud, Error, Options, Project, Request, Result, Status};
use serde_json::json;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::process::ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (settings, env, binary) = match arguments.as_slice() {
        [settings, env] => (settings, env, None),
        [settings, env, binary] => (settings, env, Some(binary)),
        _ => {
            println!("usage: apply_plan SETTINGS ENVIRONMENT [PATH-OF-DATAMCP]");
            return 2.into();
        }
    };
    let mut options = Options::named("portal");
    if let Some(binary) = binary {
        options = options.supervisor(binary);
    }
    match perform(options, settings, env).await {
        Ok(()) => 0.into(),
        Err(error) => {
            println!("refused: {:?}: {error}", error.code);
            1.into()
        }
    }
}

async fn perform(options: Options, settings: &str, env: &str) -> Result<()> {
    let project = options.open(settings).await?;
    let change = Request::apply(Cloud::Aws, env);

    let planned = project.start(&change).await?.end().await?;
    if let Some(error) = planned.error {
        return Err(error);
    }
    let summary = planned.summary.unwrap_or_default();
    println!("planned: {}", summary.text);
    let Some(plan) = planned.plan_id else { return Ok(()) };

    let real = change.carry_out(plan);
    let asked = project.start(&real).await?.end().await?;
    if asked.status == Status::ApprovalRequired
        && let Some(approval) = asked.approval.and_then(|need| need.id)
    {
        while !ask(&project, approval).await? {}
        // The program could end here: plan and decision are kept for half an hour.
        apply(&project, &real).await?;
    }

    let outputs = project.read("terraform_outputs", json!({ "cloud": "aws", "env": env })).await?;
    println!("outputs: {}", outputs.get("outputs").unwrap_or(&json!({})));
    Ok(())
}

/// Shows the request to whoever answers; true once it was approved. What datamcp refuses is shown, and asked again.
async fn ask(project: &Project, approval: ApprovalId) -> Result<bool> {
    println!("who are you, and what do you say? (PERSON WORD)");
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    if read.is_err() || line.is_empty() {
        return Err(Error::new(
            datamcp::embed::ErrorCode::Cancelled,
            "asking people: nobody is there",
        ));
    }
    let (person, said) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
    let review = match project.review(approval, person).await {
        Ok(review) => review,
        Err(error) => {
            println!("not you: {error}");
            return Ok(false);
        }
    };
    println!("{}\n{}\ntype `{}` to approve", review.text(), review.worth(), review.word());
    let statement = format!("line of {person} on standard input");
    if said == "no" {
        review.reject(&statement).await?;
        return Err(Error::new(
            datamcp::embed::ErrorCode::PolicyDenied,
            format!("{person} said no"),
        ));
    }
    match review.approve(said, &statement).await {
        Ok(()) => {
            println!("approved by {person}");
            Ok(true)
        }
        Err(error) => {
            println!("not approved: {error}");
            Ok(false)
        }
    }
}

/// Carries the approved plan out and shows its progress.
async fn apply(project: &Project, real: &Request) -> Result<()> {
    let mut applying = project.start(real).await?;
    while let Some(progress) = applying.next().await {
        println!("progress: {} ({}/{})", progress.message, progress.done, progress.total);
    }
    let done = applying.end().await?;
    println!("{}: {}", done.status, done.summary.unwrap_or_default().text);
    done.error.map_or(Ok(()), Err)
}
