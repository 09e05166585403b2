//! Promises 5 and 6, fault 2: every step of every change fails, loses its answer, crashes before and after, and is
//! repeated. One call of [`every_step`] does it for one tool.

use datamcp::model::{OperationId, Status};
use serde_json::{Value, json};

use super::faults::Kind;
use super::site::{Site, agent};

const KINDS: [Kind; 4] =
    [Kind::Fails, Kind::LosesItsAnswer, Kind::CrashesBefore, Kind::CrashesAfter];

async fn submitted(site: &Site, tool: &str, plan: &Value) -> OperationId {
    let request = json!({ "plan_id": plan, "dry_run": false });
    site.submit_as(&agent(), tool, &request).await.unwrap()
}

/// What has to hold however an operation ended.
async fn check(site: &Site, id: OperationId, what: &str) {
    for (operation, status) in site.terraform.effects.lock().unwrap().iter() {
        assert_eq!((*operation, *status), (id, Some(Status::Running)), "{what}: no open entry");
    }
    let effects = site.terraform.effects();
    let status = site.settle(id).await;
    match effects {
        0 => {
            let honest = [Status::Failed, Status::Refused, Status::Unknown].contains(&status);
            assert!(honest, "{what}: {status} without an effect");
        }
        1 => {
            let honest = [Status::Succeeded, Status::Unknown].contains(&status);
            assert!(honest, "{what}: {status} after an effect");
        }
        _ => panic!("{what}: {effects} effects"),
    }
    let blocked = site.blocked("aws/dev").await;
    assert_eq!(blocked.is_some(), status == Status::Unknown, "{what}: {status}, {blocked:?}");
    let told = site.world().runs.result(id).await.unwrap();
    if let Some(told) = &told {
        assert_eq!(told["status"], status.word(), "{what}: the answer says {told}");
    }
    let scratch = site.state().join("runs").join(id.to_string()).join("scratch");
    assert!(!scratch.exists(), "{what}: files in clear are left");
    let report = datamcp::audit::verify::verify(&site.world().log).await.unwrap();
    assert!(
        report.faults.iter().all(|f| f.what.contains("second place")),
        "{what}: {:?}",
        report.faults
    );

    site.faults.arm(None);
    site.supervise(id).await;
    assert_eq!(site.terraform.effects(), effects, "{what}: repeated, it had another effect");
    assert_eq!(site.row(id).await.status, status, "{what}: repeated, it ended otherwise");
    let again = site.world().runs.result(id).await.unwrap().unwrap();
    assert_eq!(again["status"], status.word(), "{what}: repeated, the answer says {again}");
    assert!(told.is_none_or(|told| told == again), "{what}: repeated, it answered otherwise");
}

async fn every_step(tool: &str, kind: Kind) {
    let begin = Site::new();
    let plan = begin.approved(tool, "dev").await;
    let id = submitted(&begin, tool, &plan).await;
    let straight = begin.copy();
    straight.faults.arm(None);
    assert!(straight.supervise(id).await);
    let steps = straight.faults.steps();
    assert!(steps.len() > 25 && steps.contains(&"effect"), "{steps:?}");
    check(&straight, id, "nothing goes wrong").await;
    assert_eq!(straight.terraform.effects(), 1);
    for (at, step) in steps.iter().enumerate() {
        let site = begin.copy();
        site.faults.arm(Some((at, kind)));
        let lives = site.supervise(id).await;
        let crashes = matches!(kind, Kind::CrashesBefore | Kind::CrashesAfter);
        assert_eq!(lives, !crashes, "step {at} {step} {kind:?} was not reached");
        site.faults.arm(None);
        check(&site, id, &format!("{tool} step {at} {step} {kind:?}")).await;
    }
}

macro_rules! every_step {
    ($($name:ident: $tool:literal $kind:ident;)*) => {
        $(#[tokio::test]
        async fn $name() {
            every_step($tool, Kind::$kind).await;
        })*
    };
}

every_step! {
    promise_5_apply_each_step_fails: "apply_terraform" Fails;
    promise_5_apply_each_step_loses_its_answer: "apply_terraform" LosesItsAnswer;
    fault_2_apply_crashes_before_each_step: "apply_terraform" CrashesBefore;
    fault_2_apply_crashes_after_each_step: "apply_terraform" CrashesAfter;
    fault_13_apply_the_disk_is_full_from_each_step_on: "apply_terraform" DiskFull;
    fault_13_destroy_the_disk_is_full_from_each_step_on: "destroy_terraform" DiskFull;
    promise_5_destroy_each_step_fails: "destroy_terraform" Fails;
    promise_5_destroy_each_step_loses_its_answer: "destroy_terraform" LosesItsAnswer;
    fault_2_destroy_crashes_before_each_step: "destroy_terraform" CrashesBefore;
    fault_2_destroy_crashes_after_each_step: "destroy_terraform" CrashesAfter;
}

/// The first half: what was not taken is not started; what was recorded is ended.
#[tokio::test]
async fn promise_5_each_step_of_taking_a_request_goes_wrong() {
    for kind in KINDS {
        let begin = Site::new();
        let plan = begin.approved("apply_terraform", "dev").await;
        let straight = begin.copy();
        straight.faults.arm(None);
        submitted(&straight, "apply_terraform", &plan).await;
        for (at, step) in straight.faults.steps().into_iter().enumerate() {
            let what = format!("step {at} {step} {kind:?}");
            let site = begin.copy();
            site.faults.arm(Some((at, kind)));
            let request = json!({ "plan_id": plan, "dry_run": false });
            let agent = agent();
            let taken = tokio::select! {
                biased;
                () = site.faults.crash.notified() => None,
                taken = site.submit_as(&agent, "apply_terraform", &request) => Some(taken),
            };
            site.faults.arm(None);
            site.later(60);
            datamcp::run::adopt::settle_all(&site.world().stores()).await.unwrap();
            let query = datamcp::audit::Query { open: true, limit: 10, ..Default::default() };
            let open = site.world().log.store().rows(&query).await.unwrap().rows;
            assert!(open.is_empty(), "{what}: {open:?}");
            assert_eq!(site.terraform.effects(), 0, "{what}");
            if kind == Kind::Fails {
                let refusal = taken.unwrap().unwrap_err();
                assert!(site.launched.0.lock().unwrap().is_empty(), "{what}: {refusal:?}");
            }
            // Whatever was started after all finds its end on record and does nothing.
            let late: Vec<OperationId> = site.launched.0.lock().unwrap().drain(..).collect();
            for id in late {
                site.supervise(id).await;
                assert_eq!(site.terraform.effects(), 0, "{what}: a late supervisor");
            }
        }
    }
}
