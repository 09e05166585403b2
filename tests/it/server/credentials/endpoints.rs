//! Calls go where the settings say: an endpoint that comes along with variables or a profile is refused, or without
//! effect when the settings name one.

use super::Rig;
use super::stand_in::{CANARY, StandIn};

const IN_VARIABLES: [(&str, &str); 2] =
    [("AWS_ACCESS_KEY_ID", "KEY"), ("AWS_SECRET_ACCESS_KEY", CANARY)];

const VARIABLES: [&str; 4] =
    ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL_SSO"];

#[test]
fn security_14_19_inherited_endpoints_are_refused_unless_the_settings_name_one() {
    let elsewhere = StandIn::start();
    for variable in VARIABLES {
        let mut variables = IN_VARIABLES.to_vec();
        variables.push((variable, elsewhere.url.as_str()));
        let rig = Rig::new();
        rig.preflight(&variables).found("environment variables", "KEY");
        rig.endpoint(None);
        let told = rig.preflight(&variables);
        let check = told.check("credentials");
        assert_eq!(check["level"], "failed", "{}", told.all);
        let seen = check["seen"].as_str().unwrap();
        assert!(seen.contains(&format!("{variable} is set and would redirect")), "{seen}");
    }
    assert!(elsewhere.asked().is_empty(), "{:?}", elsewhere.asked());
}

#[test]
fn security_14_19_endpoints_of_profiles_are_refused_unless_the_settings_name_one() {
    let elsewhere = StandIn::start();
    let url = &elsewhere.url;
    let keys = format!("aws_access_key_id = KEY\naws_secret_access_key = {CANARY}\n");
    for (config, place) in [
        (format!("[profile p]\n{keys}endpoint_url = {url}\n"), "endpoint_url of profile p"),
        (
            format!(
                "[profile p]\n{keys}services = s\n[services s]\nsts =\n  endpoint_url = {url}\n"
            ),
            "services of profile p",
        ),
        (
            format!(
                "[profile p]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = q\n\
                 [profile q]\n{keys}endpoint_url = {url}\n"
            ),
            "endpoint_url of profile q",
        ),
    ] {
        let rig = Rig::new();
        rig.settings("profile = \"p\"");
        rig.config(&config);
        let told = rig.preflight(&[]);
        assert_eq!(told.check("identity")["level"], "ok", "{}", told.all);
        rig.endpoint(None);
        let told = rig.preflight(&[]);
        let seen = told.check("credentials")["seen"].as_str().unwrap();
        assert!(seen.contains(&format!("{place} is set and would redirect")), "{seen}");
    }
    assert!(elsewhere.asked().is_empty(), "{:?}", elsewhere.asked());
}
