//! Promise 4: one change at a time; whoever loses learns who holds it, since when, for what.

use datamcp::error::ErrorCode;
use datamcp::lock::{Acquired, Blocked, Holder};
use datamcp::model::OperationId;
use serde_json::json;

use super::site::{Site, error};

fn holder(site: &Site) -> Holder {
    Holder {
        operation: OperationId::fresh(),
        tool: "apply_terraform".into(),
        user: "somebody".into(),
        place: "elsewhere process 1".into(),
        since: datamcp::clock::Clock::now(site.clock.as_ref()),
    }
}

#[tokio::test]
async fn fault_17_a_held_environment_names_its_holder() {
    let site = Site::new();
    let plan = site.approved("apply_terraform", "dev").await;
    let (elsewhere, holder) = (site.world(), holder(&site));
    let Acquired::Granted(fence) = elsewhere.leases.acquire("aws/dev", &holder).await.unwrap()
    else {
        panic!("it was free");
    };
    for request in
        [json!({ "plan_id": plan, "dry_run": false }), json!({ "cloud": "aws", "env": "dev" })]
    {
        let answer = site.call("apply_terraform", request).await;
        let error = error(&answer);
        assert_eq!(error.code, ErrorCode::LockHeld, "{answer}");
        assert_eq!(error.details["operation"], holder.operation.to_string());
        assert_eq!(error.details["user"], "somebody");
        assert_eq!(error.details["tool"], "apply_terraform");
        assert_eq!(error.details["since"], holder.since.to_string());
    }
    elsewhere.leases.release("aws/dev", holder.operation, fence).await.unwrap();
    assert_eq!(site.carry_out("apply_terraform", &plan).await["status"], "succeeded");
}

#[tokio::test]
async fn promise_4_a_held_environment_is_waited_for_as_long_as_configured() {
    let site = Site::with(&format!("{}\n[lock]\nwait_s = 20\n", super::site::SETTINGS));
    let (elsewhere, holder) = (site.world(), holder(&site));
    let Acquired::Granted(fence) = elsewhere.leases.acquire("aws/dev", &holder).await.unwrap()
    else {
        panic!("it was free");
    };
    let release = async {
        tokio::time::sleep(std::time::Duration::from_millis(600)).await;
        assert_eq!(site.terraform.count("plan"), 0);
        elsewhere.leases.release("aws/dev", holder.operation, fence).await.unwrap();
    };
    let (answer, ()) = tokio::join!(
        site.call("apply_terraform", json!({ "cloud": "aws", "env": "dev" })),
        release
    );
    assert_eq!(answer["status"], "planned", "{answer}");
}

#[tokio::test]
async fn promise_4_a_blocked_environment_says_why_and_who_frees_it() {
    let site = Site::new();
    let plan = site.approved("apply_terraform", "dev").await;
    let operation = OperationId::fresh();
    let since = datamcp::clock::Clock::now(site.clock.as_ref());
    let blocked = Blocked { operation, reason: "nobody saw the end".into(), since };
    site.world().leases.block("aws/dev", &blocked).await.unwrap();
    let error = error(&site.carry_out("apply_terraform", &plan).await);
    assert_eq!(error.code, ErrorCode::EnvironmentBlocked);
    assert!(error.message.contains("nobody saw the end"), "{error}");
    assert!(error.next.unwrap().contains(&format!("reconcile {operation}")));
    assert_eq!(site.terraform.count("apply"), 0);
    assert_eq!(site.plan("apply_terraform", "prod").await.as_str().map(str::len), Some(36));
}
