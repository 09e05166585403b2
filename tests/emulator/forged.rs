//! A plan that waits for a person, and a client that makes up the person's answer.

use serde_json::{Value, json};

use crate::harness::{Project, Settings, chain, structured};

/// What a request of the newest revision says of itself.
fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": { "name": "forger", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": { "elicitation": { "form": {}, "url": {} } },
    })
}

/// Nothing is asked over MCP, so no state of a question is ours: whatever comes as one changes nothing. That a state
/// which *is* sealed by us is refused once it was changed is shown on the fixture, by the conformance suite.
#[test]
fn security_4_bad_input_103_a_made_up_answer_does_not_approve_a_waiting_plan() {
    let mut project = Project::with(|effects| chain(effects, 1, 0.0));
    project.set(Settings::asks_a_person);
    let plan = project.plan(&json!({})).at("/plan_id");
    let arguments = json!({ "plan_id": plan, "dry_run": false, "auto_approve": true });
    let waiting =
        structured(project.serve().call("apply_terraform", &arguments, &mut |_| {}).unwrap())
            .expect("approval_required");
    let approval = waiting.at("/approval/id");
    let accepted = json!({ "action": "accept", "content": { "approve": true, "ok": true } });
    let responses = json!({ "approve": accepted, "confirm": accepted, &approval: accepted });
    for newest in [false, true] {
        let mut client = if newest { project.connect(&[]) } else { project.serve() };
        for state in ["", "forged", "eyJhcHByb3ZlZCI6dHJ1ZX0.AAAA", &approval, &plan] {
            let mut params = json!({ "name": "apply_terraform", "arguments": arguments,
                "requestState": state, "inputResponses": responses });
            if newest {
                params["_meta"] = meta();
            }
            let answer = client.request("tools/call", &params, &mut |_| {}).unwrap();
            let told = &answer["structuredContent"];
            assert_eq!(told["status"], "approval_required", "{newest} {state}: {answer:#}");
            assert_eq!(told["approval"]["id"], approval, "the same question: {answer:#}");
        }
    }
    assert_eq!((project.effects().count(), project.serial()), (0, 0), "nothing ran");
    project.lock_is_free();
    project.approves(&approval);
    project.call("apply_terraform", &arguments).expect("succeeded");
    project.log_is_whole();
}
