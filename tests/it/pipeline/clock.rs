//! Fault 15: a clock that is turned by an hour, back or forth. Nothing gets younger by it, nothing is taken over, and an
//! operation's own times never go back.

use datamcp::clock::{Clock, FixedClock, Uptime};
use datamcp::error::ErrorCode;
use datamcp::lock::{Acquired, Holder};
use datamcp::model::{OperationId, Status};
use datamcp::run::{Settled, settle};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::site::{Site, agent, error, up};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

fn turn(clock: &FixedClock, by: SignedDuration) {
    clock.set(clock.now() + by);
}

async fn runs(site: &Site, plan: &Value) -> bool {
    let answer = site.carry_out("apply_terraform", plan).await;
    if answer["status"] == "succeeded" {
        assert_eq!(site.terraform.effects(), 1);
        return true;
    }
    assert_eq!(error(&answer).code, ErrorCode::ApprovalExpired, "{answer}");
    assert_eq!(site.terraform.effects(), 0);
    false
}

/// A plan and its approval live for 30 minutes of the machine's time, whatever the clock shows meanwhile.
#[tokio::test]
async fn fault_15_a_clock_that_is_turned_back_makes_no_plan_younger() {
    for (minutes_before, back, minutes_after, expected) in [
        (10, HOUR, 19, true),
        (10, HOUR, 20, false),
        (29, HOUR, 0, true),
        (29, HOUR, 1, false),
        (0, HOUR, 60, false),
        (10, SignedDuration::from_mins(5), 19, true),
        (10, SignedDuration::from_mins(5), 20, false),
    ] {
        let site = Site::new();
        let plan = site.approved("apply_terraform", "dev").await;
        site.later(minutes_before * 60);
        turn(&site.clock, -back);
        site.later(minutes_after * 60);
        let what = format!("{minutes_before} min, {back} back, {minutes_after} min");
        assert_eq!(runs(&site, &plan).await, expected, "{what}");
    }
}

#[tokio::test]
async fn fault_15_a_clock_that_is_turned_forth_ends_plans_early_and_never_late() {
    let site = Site::new();
    let plan = site.approved("apply_terraform", "dev").await;
    turn(&site.clock, HOUR);
    assert!(!runs(&site, &plan).await);
}

/// After a restart only the clock is left: a plan of the future is one whose age nobody knows.
#[tokio::test]
async fn fault_15_a_plan_of_the_future_is_refused_after_a_restart() {
    for (turned, expected) in [(-HOUR, false), (SignedDuration::from_mins(2), true)] {
        let mut site = Site::new();
        let plan = site.approved("apply_terraform", "dev").await;
        let restarted = Uptime { boot: "second".into(), seconds: 60 };
        let clock = FixedClock::new(site.clock.now() + turned).with_uptime(restarted);
        site.clock = std::sync::Arc::new(clock);
        assert_eq!(runs(&site, &plan).await, expected, "{turned}");
    }
}

#[tokio::test]
async fn fault_15_times_of_one_operation_never_go_back() {
    for turned in [HOUR, -HOUR] {
        let site = Site::new();
        let plan = site.approved("apply_terraform", "dev").await;
        let request = json!({ "plan_id": plan, "dry_run": false });
        let id = site.submit_as(&agent(), "apply_terraform", &request).await.unwrap();
        turn(&site.clock, turned);
        assert!(site.supervise(id).await);
        let world = site.world();
        let row = site.row(id).await;
        let events = world.log.store().history(id).await.unwrap();
        let times: Vec<Timestamp> = events.iter().map(|record| record.event.ts).collect();
        assert!(times.len() >= 2 && times.is_sorted(), "{turned}: {times:?}");
        assert!(row.end_ts.unwrap() >= row.start_ts, "{turned}: {row:?}");
        let report = datamcp::audit::verify::verify(&world.log).await.unwrap();
        assert!(report.faults.is_empty(), "{:?}", report.faults);
    }
}

/// Neither a lease nor a supervisor is judged by a clock: who holds a lock lives.
#[tokio::test]
async fn fault_15_nothing_is_taken_over_early() {
    for turned in [HOUR, -HOUR, HOUR * 24 * 365] {
        let site = Site::new();
        let plan = site.approved("apply_terraform", "dev").await;
        let request = json!({ "plan_id": plan, "dry_run": false });
        let id = site.submit_as(&agent(), "apply_terraform", &request).await.unwrap();
        let world = site.world();
        let hold = world.runs.hold(id).await.unwrap().unwrap();
        let holder = Holder {
            operation: id,
            tool: "apply_terraform".into(),
            user: "agent".into(),
            place: "here".into(),
            since: site.clock.now(),
        };
        let granted = world.leases.acquire("aws/dev", &holder).await.unwrap();
        let Acquired::Granted(fence) = granted else { panic!("{granted:?}") };
        turn(&site.clock, turned);
        assert_eq!(settle(&site.world().stores(), id).await.unwrap(), Settled::Alive, "{turned}");
        assert_eq!(site.row(id).await.status, Status::Queued, "{turned}");
        let other = Holder { operation: OperationId::fresh(), ..holder.clone() };
        let answer = site.world().leases.acquire("aws/dev", &other).await.unwrap();
        assert_eq!(answer, Acquired::Held(holder), "{turned}");
        world.leases.check("aws/dev", id, fence).await.unwrap();
        world.leases.release("aws/dev", id, fence).await.unwrap();
        drop(hold);
    }
}

#[test]
fn fault_15_a_plan_without_a_known_uptime_goes_by_the_clock() {
    let clock = FixedClock::new(Timestamp::UNIX_EPOCH);
    assert_eq!(clock.uptime(), None);
    let told = FixedClock::new(Timestamp::UNIX_EPOCH).with_uptime(up(5));
    told.pass(7);
    turn(&told, -HOUR);
    assert_eq!(told.uptime(), Some(up(12)), "turning the clock is no passing of time");
    let machine = datamcp::clock::SystemClock.uptime().expect("/proc/uptime");
    assert!(machine.seconds > 0 && machine.boot.len() > 30, "{machine:?}");
}
