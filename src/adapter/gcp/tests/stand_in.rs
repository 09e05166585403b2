//! Google as the mappings in `fixtures/gcp` answer, and as a test says beside them. What is described by Google is held
//! against the description, question and answer; a mapping that is played and not asked for fails the test.

use serde_json::{Value, json};
use xtask::stubs::Stubs;

pub(super) struct StandIn {
    pub(super) url: String,
    stubs: Stubs,
}

impl StandIn {
    /// One that expects nothing yet: what is asked without a mapping fails the test.
    pub(super) fn start() -> Self {
        let stubs = Stubs::start::<&str>(&[]).unwrap();
        Self { url: stubs.url().to_owned(), stubs }
    }

    /// From now on there is no such thing where the target holds this part, or ends with it, as for `says`.
    pub(super) fn lacks(&self, part: &str) -> &Self {
        let absent =
            json!({ "error": { "code": 404, "status": "NOT_FOUND", "message": "no such thing" } });
        self.says(part, 404, absent)
    }

    /// From now on these mappings answer, before those there were.
    pub(super) fn plays(&self, name: &str) -> &Self {
        self.stubs.play(name).unwrap();
        self
    }

    /// From now on a request whose target holds this part is answered so; one that ends with it, where a blank stands at the
    /// part's end. What is said later comes first.
    #[expect(clippy::needless_pass_by_value, reason = "it is written where it is given")]
    pub(super) fn says(&self, part: &str, status: u16, value: Value) -> &Self {
        let mut headers =
            json!({ "Content-Type": "application/json", "Metadata-Flavor": "Google" });
        if status == 302 {
            headers["Location"] = "http://127.0.0.1:1/".into();
        }
        let (part, rest) = part.strip_suffix(' ').map_or((part, ".*"), |part| (part, ""));
        self.stubs
            .add(json!({
                "request": { "method": "ANY", "urlPattern": format!(".*{}{rest}", regex_lite::escape(part)) },
                "response": { "status": status, "headers": headers, "jsonBody": value },
            }))
            .unwrap();
        self
    }

    /// A token endpoint that gives this token for so many seconds, and a project that is there.
    pub(super) fn usual(&self, seconds: u32) -> &Self {
        self.plays("gcp/person?");
        let token =
            json!({ "access_token": "user-token", "expires_in": seconds, "token_type": "Bearer" });
        self.says("/oauth2.googleapis.com/token", 200, token)
    }

    /// Everything that it was asked.
    pub(super) fn asked(&self) -> Vec<String> {
        self.stubs.asked().into_iter().map(|asked| asked.text).collect()
    }

    /// How often something was asked.
    pub(super) fn times(&self, part: &str) -> usize {
        self.stubs.asked().iter().filter(|asked| asked.target.contains(part)).count()
    }
}

/// The body that a mapping answers with, for a test that changes something in it.
pub(super) fn written_answer(name: &str) -> Value {
    let (_, mapping) = xtask::stubs::named(&xtask::stubs::root(), name).unwrap().remove(0);
    mapping.response.json_body.unwrap()
}
