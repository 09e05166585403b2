//! Deaths at random moments. The seed is printed; `DATAMCP_SEED` repeats a run, `DATAMCP_MOMENTS` says how many there are.

use std::time::{Duration, Instant};

use serde_json::json;
use xtask::child::Identity;

use super::{Expected, Victim};
use crate::harness::{children_of_state, kill, until};

/// How many moments are tried when nobody says.
const MOMENTS: usize = 20;

fn moments() -> usize {
    std::env::var("DATAMCP_MOMENTS").map_or(MOMENTS, |text| text.parse().unwrap())
}

/// A small generator (`xorshift64*`): which moments are tried need not be unguessable, only told.
struct Moments(u64);

impl Moments {
    fn new(what: &str) -> Self {
        let given = std::env::var("DATAMCP_SEED").ok().map(|text| text.parse().unwrap());
        let seed = given
            .unwrap_or_else(|| u64::try_from(jiff::Timestamp::now().as_microsecond()).unwrap());
        println!("{what}: DATAMCP_SEED={seed}");
        Self(seed | 1)
    }

    fn within(&mut self, whole: Duration) -> Duration {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let share = (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 40) as u32;
        whole * share / (1 << 24)
    }
}

/// How long a run takes when nobody disturbs it.
fn usual(victim: &mut Victim) -> Duration {
    let request = victim.request();
    let started = Instant::now();
    victim.project.call("apply_terraform", &request).expect("succeeded");
    started.elapsed()
}

fn told(ends: &[Expected]) {
    for kind in [Expected::Nothing, Expected::Done, Expected::Unknown] {
        println!("{kind:?}: {}", ends.iter().filter(|end| **end == kind).count());
    }
}

#[test]
fn bar_14_faults_1_2_the_server_dies_at_random_moments() {
    let mut victim = Victim::new(2, 0.15);
    let usual = usual(&mut victim);
    let mut moments = Moments::new("killing the server");
    let mut ends = Vec::new();
    for round in 0..self::moments() {
        let serial = victim.project.serial();
        let mut request = victim.request();
        let key = format!("round-{round}");
        request["idempotency_key"] = json!(key);
        let moment = moments.within(usual);
        let mut client = victim.project.serve();
        let params = json!({ "name": "apply_terraform", "arguments": request });
        client.begin("tools/call", &params).unwrap();
        std::thread::sleep(moment);
        client.kill().unwrap();
        // The client comes back and, not knowing, asks once more.
        let again = victim.project.call("apply_terraform", &request);
        let id = again.operation();
        let end = victim.holds(&id, serial, &format!("round {round}, {moment:?}"));
        assert_ne!(end, Expected::Unknown, "a supervisor does not notice a server's death");
        ends.push(end);
    }
    told(&ends);
    assert_eq!(victim.project.effects().by_operation().len(), 3 + count(&ends, Expected::Done));
}

#[test]
fn fault_2_the_supervisor_dies_at_random_moments() {
    let mut victim = Victim::new(2, 0.15);
    let usual = usual(&mut victim);
    let mut moments = Moments::new("killing the supervisor");
    let mut ends = Vec::new();
    for round in 0..self::moments() {
        let serial = victim.project.serial();
        let mut request = victim.request();
        request["wait_s"] = json!(0);
        let moment = moments.within(usual);
        let id = victim.project.call("apply_terraform", &request).operation();
        if let Some(supervisor) = supervisor(&victim, moment) {
            kill(&supervisor);
        }
        ends.push(victim.holds(&id, serial, &format!("round {round}, {moment:?}")));
    }
    told(&ends);
}

/// The supervisor, so long after it came; nothing when it has ended by then.
fn supervisor(victim: &Victim, moment: Duration) -> Option<Identity> {
    let state = victim.project.state();
    let found = children_of_state(&state, "__run").pop()?;
    let started = Instant::now();
    until("the moment", 60, || started.elapsed() >= moment);
    found.is_alive().then_some(found)
}

fn count(ends: &[Expected], kind: Expected) -> usize {
    ends.iter().filter(|end| **end == kind).count()
}
