//! What only people do: approve, reject, reconcile, sign in, verify. They need a terminal; no tool leads here.

use std::process::ExitCode;
use std::time::Duration;

use serde_json::json;

use super::args::People;
use super::exit::Exit;
use super::terminal::Terminal;
use super::view::View;
use crate::audit::verify::verify;
use crate::error::Result;
use crate::model::{Actor, Cloud};
use crate::operation::desk::reconcile::Word;
use crate::operation::desk::{Decider, Person, approve, move_state, reconcile, sign_in};
use crate::operation::{World, get_operation};
use crate::run::{settle, wait};

/// Runs one command.
pub(super) async fn run(
    world: &World,
    actor: &Actor,
    command: People,
    view: &View,
) -> Result<ExitCode> {
    match command {
        People::Approvals => approvals(world, view).await,
        People::Decide { id, grant } => decide(world, actor, &id, grant, view).await,
        People::Reconcile { id, status, note } => {
            let said = status.map_or(Word::StateIsRight, Word::Ended);
            settle_end(world, actor, &id, said, &note, view).await
        }
        People::MoveState { cloud, env, workspace, note } => {
            let mut terminal = Terminal::open()?;
            let case = move_state::case(world, cloud, &env, workspace.as_deref()).await?;
            let shown = format!(
                "\nthe state of {}/{env} was in {}\nsettings have it in {}\n\nLook at the state there before you say so: \
                 this moves nothing.\ntype `{}` to say that it was moved: ",
                cloud.word(),
                case.was,
                case.is,
                case.word,
            );
            let typed = terminal.ask(&shown)?;
            let person = person(actor, &terminal);
            let operation = move_state::say(world, &person, &case, &note, &typed).await?;
            view.answer("move_state", &json!({ "operation_id": operation, "state": case.is }));
            Ok(ExitCode::SUCCESS)
        }
        People::SignIn { env, organization } => {
            signs_in(world, actor, env.as_deref(), organization.as_deref(), view).await
        }
        People::Locks => locks(world, view).await,
        People::Show { id } => show(world, actor, &id, view).await,
        People::Tail { id } => tail(world, actor, &id, view).await,
        People::Verify => check(world, view).await,
    }
}

async fn signs_in(
    world: &World,
    actor: &Actor,
    env: Option<&str>,
    organization: Option<&str>,
    view: &View,
) -> Result<ExitCode> {
    let environment = match env {
        Some(env) => world.config.environment(Cloud::Aws, env)?,
        None => world.config.organization(Some(Cloud::Aws), organization)?,
    };
    let mut terminal = Terminal::open()?;
    let case = sign_in::case(world, environment).await?;
    let (target, serial) = (environment.target(), &case.device.serial);
    let typed = terminal.ask(&format!(
        "\nthe keys of {target} want a code of MFA device {serial}\ntype its six digits: "
    ))?;
    let done = sign_in::sign_in(world, &person(actor, &terminal), &case, &typed).await?;
    let until = done.until.to_string();
    view.answer(
        "sign_in",
        &json!({ "operation_id": done.operation, "mfa_serial": done.serial, "until": until }),
    );
    Ok(ExitCode::SUCCESS)
}

async fn approvals(world: &World, view: &View) -> Result<ExitCode> {
    let open = world.approvals.open(world.clock.now()).await?;
    let rows: Vec<_> = open
        .iter()
        .map(|r| {
            let state = match r.state {
                crate::approval::ApprovalState::Requested => "waits",
                _ => "approved, not used yet",
            };
            json!({ "id": r.id, "target": r.target.to_string(), "tool": r.tool, "requester": r.requester, "plan": r.plan,
                    "state": state, "created": r.created.to_string(), "expires": r.expires.to_string() })
        })
        .collect();
    view.answer("approvals", &json!({ "approvals": rows }));
    Ok(ExitCode::SUCCESS)
}

fn person(actor: &Actor, terminal: &Terminal) -> Person {
    Person { os_user: actor.os_user.clone(), terminal: terminal.name().to_owned() }
}

async fn decide(
    world: &World,
    actor: &Actor,
    id: &str,
    grant: bool,
    view: &View,
) -> Result<ExitCode> {
    let prompt = ask(world, actor, id, grant).await?;
    let said = if grant { "approved" } else { "rejected" };
    view.answer(
        "decision",
        &json!({ "approval": prompt.record.id, "plan": prompt.record.plan, "decision": said }),
    );
    Ok(ExitCode::SUCCESS)
}

/// Shows a request for a decision on the terminal and records what the person says.
pub(super) async fn ask(
    world: &World,
    actor: &Actor,
    id: &str,
    grant: bool,
) -> Result<approve::Prompt> {
    let mut terminal = Terminal::open()?;
    let decider = Decider::at_terminal(&world.config, &person(actor, &terminal));
    let prompt = approve::prompt(world, &decider, id).await?;
    let shown = format!(
        "\n{}\n\n{}\nexpires {}\n\n",
        prompt.record.text, prompt.worth, prompt.record.expires
    );
    let typed = if grant {
        let ask =
            format!("type `{}` to approve, or `plan` to read the whole plan first: ", prompt.word);
        let mut typed = terminal.ask(&format!("{shown}{ask}"))?;
        while typed == "plan" && prompt.word != "plan" {
            let plan = approve::whole_plan(world, &prompt).await?;
            typed = terminal.ask(&format!("\n{plan}\n\n{ask}"))?;
        }
        typed
    } else {
        terminal.ask(&format!("{shown}press Enter to reject, Ctrl-C to leave it: "))?
    };
    approve::decide(world, &decider, &prompt, &typed, grant).await?;
    Ok(prompt)
}

async fn settle_end(
    world: &World,
    actor: &Actor,
    id: &str,
    said: Word,
    note: &str,
    view: &View,
) -> Result<ExitCode> {
    let mut terminal = Terminal::open()?;
    let person = person(actor, &terminal);
    let case = reconcile::case(world, id).await?;
    let words = match (said, &case.state) {
        (Word::Ended(status), _) => status.to_string(),
        (Word::StateIsRight, Some(found)) => {
            format!("the state is right as it was found: {}", found.text())
        }
        (Word::StateIsRight, None) => "the state is right".to_owned(),
    };
    let shown = format!(
        "\noperation {} ({}) on {}, asked for by {} at {}\n{}\n\nend of its log:\n{}\n\nevidence: {}\n\n\
         Look at the environment itself before you say how it was. You say: {words}.\ntype `{}` to reconcile: ",
        case.row.id,
        case.row.tool,
        case.row.chain,
        case.row.user,
        case.row.start_ts,
        case.row.summary,
        case.log_tail,
        if case.evidence.is_empty() { "none".to_owned() } else { case.evidence.join(", ") },
        case.word,
    );
    let typed = terminal.ask(&shown)?;
    reconcile::reconcile(world, &person, &case, said, note, &typed).await?;
    let answer = match said {
        Word::Ended(status) => {
            json!({ "operation_id": case.row.id, "status": status, "target": case.row.chain, "lock": "free" })
        }
        Word::StateIsRight => {
            json!({ "operation_id": case.row.id, "target": case.row.chain, "state": case.state })
        }
    };
    view.answer("reconcile", &answer);
    Ok(ExitCode::SUCCESS)
}

async fn locks(world: &World, view: &View) -> Result<ExitCode> {
    let leases = world.leases.leases().await?;
    let rows: Vec<_> = leases
        .iter()
        .filter(|(_, lease)| lease.holder.is_some() || lease.blocked.is_some())
        .map(|(key, lease)| {
            let (state, operation, why, since) = match (&lease.blocked, &lease.holder) {
                (Some(b), _) => ("blocked", b.operation, b.reason.clone(), b.since),
                (None, Some(h)) => (if lease.alive { "held" } else { "abandoned" }, h.operation, format!("{} of {} at {}", h.tool, h.user, h.place), h.since),
                (None, None) => return json!({}),
            };
            json!({ "target": key, "state": state, "operation": operation, "why": why, "since": since.to_string(), "fence": lease.fence })
        })
        .collect();
    view.answer("locks", &json!({ "locks": rows }));
    Ok(ExitCode::SUCCESS)
}

async fn show(world: &World, actor: &Actor, id: &str, view: &View) -> Result<ExitCode> {
    let row = get_operation::visible(world, actor, id).await?;
    settle(&world.stores(), row.id).await?;
    let row = world.log.store().row(row.id).await?.unwrap_or(row);
    let events = world.log.store().history(row.id).await?;
    view.answer("operation", &json!({ "operation": row, "events": events }));
    Ok(Exit::of_status(row.status).into())
}

async fn tail(world: &World, actor: &Actor, id: &str, view: &View) -> Result<ExitCode> {
    const SLICE: usize = 64 * 1024;
    let row = get_operation::visible(world, actor, id).await?;
    let mut cursor = 0;
    loop {
        let ended = wait(&world.stores(), row.id, Duration::from_millis(200), &mut |_| {}).await?;
        loop {
            let (text, _) = world.runs.read_log(row.id, cursor, SLICE).await?;
            if text.is_empty() {
                break;
            }
            cursor += text.len() as u64;
            view.raw(&text);
        }
        if ended {
            let row = world.log.store().row(row.id).await?.unwrap_or(row);
            view.raw(&format!("{}: {}\n", row.status, row.summary));
            return Ok(Exit::of_status(row.status).into());
        }
    }
}

async fn check(world: &World, view: &View) -> Result<ExitCode> {
    let report = verify(&world.log).await?;
    let sound = report.faults.is_empty();
    view.answer("verify", &json!({ "ok": sound, "chains": report.chains, "events": report.events, "operations": report.operations, "faults": report.faults }));
    Ok(if sound { Exit::Done } else { Exit::Failed }.into())
}
