//! Recorded streams, broken streams, and any cut of them.

use proptest::prelude::*;

use super::*;

const PARTIAL: &str = include_str!("../../../../fixtures/terraform/partial/apply.jsonl");
const BASIC: &str = include_str!("../../../../fixtures/terraform/basic/apply.jsonl");

fn all(bytes: &[u8], pieces: impl IntoIterator<Item = usize>) -> Vec<Parsed> {
    let (mut parser, mut out, mut rest) = (Parser::default(), Vec::new(), bytes);
    for piece in pieces {
        let (head, tail) = rest.split_at(piece.min(rest.len()));
        parser.push(head, &mut |p| out.push(p));
        rest = tail;
    }
    parser.push(rest, &mut |p| out.push(p));
    parser.finish(&mut |p| out.push(p));
    out
}

#[test]
fn a_recorded_apply_is_understood() {
    let parsed = all(PARTIAL.as_bytes(), []);
    let events: Vec<&Event> = parsed.iter().map(|p| &p.event).collect();
    assert_eq!(*events[0], Event::Version { ui: "1.2".into() });
    let completed = |a: &str| Event::Completed { address: a.into(), action: "create".into() };
    assert!(events.contains(&&completed("terraform_data.ok")));
    assert!(!events.contains(&&completed("terraform_data.slow")));
    assert!(parsed.iter().any(|p| p.text.ends_with("(local-exec): hello")));
    let Event::Diagnostic(found) = &parsed.last().unwrap().event else {
        panic!("a diagnostic ends it")
    };
    assert_eq!(found.summary, "local-exec provisioner error");
    assert_eq!(found.place.as_deref(), Some("main.tf:11"));
    assert_eq!(found.address.as_deref(), Some("terraform_data.slow"));
}

#[test]
fn sensitive_outputs_have_no_value() {
    let parsed = all(BASIC.as_bytes(), []);
    let Event::Outputs(outputs) = &parsed.last().unwrap().event else { panic!("outputs end it") };
    assert_eq!(outputs.len(), 1);
    assert_eq!(outputs["greeting"], "one");
}

#[test]
fn fault_12_broken_bytes_are_marked_and_the_parser_goes_on() {
    let mut bytes = b"{\"@message\":\"bad \xff\xfe\",\"type\":\"log\"}\nhalf {\n\n".to_vec();
    bytes.extend(vec![b'x'; 20 * LINE_MAX]);
    bytes.extend_from_slice(b"\n{\"@message\":\"after\",\"type\":\"from the future\",\"new\":[1]}");
    let texts: Vec<String> = all(&bytes, []).into_iter().map(|p| p.text).collect();
    assert_eq!(
        texts,
        ["bad \u{fffd}\u{fffd}", "half {", "(a line of 20971520 bytes was left out)", "after"]
    );
}

#[test]
fn fault_31_a_dumped_state_has_no_text() {
    let state = format!("{{\"pw\":\"canary\",\"fill\":\"{}\"}}", "y".repeat(LINE_MAX));
    for line in [
        "{\"@level\":\"info\",\"@message\":\"{}\",\"state\":{\"pw\":\"canary\"},\"type\":\"log\"}"
            .to_owned(),
        format!("{{\"@level\":\"info\",\"state\":{state},\"type\":\"log\"}}"),
        "{\"@level\":\"info\",\"state\":{\"pw\":\"canary\"".to_owned(),
    ] {
        let parsed = all(line.as_bytes(), []);
        assert_eq!(parsed.len(), 1);
        assert_eq!((&parsed[0].event, parsed[0].text.as_str()), (&Event::StateDump, ""));
    }
}

proptest! {
    #[test]
    fn any_cut_gives_the_same_events(pieces in proptest::collection::vec(0usize..900, 0..40)) {
        let bytes = PARTIAL.as_bytes();
        prop_assert_eq!(all(bytes, []), all(bytes, pieces));
    }

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..600), at in 0usize..600) {
        prop_assert_eq!(all(&bytes, []), all(&bytes, [at]));
    }
}
