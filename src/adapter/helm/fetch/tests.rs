//! What sources answer that they should not, and what is made of it.

mod stand_in;

use serde_json::json;
use xtask::stubs::Answer;

use self::stand_in::{StandIn, Tar, html, ok, packed, settings_of, source, status};
use super::*;
use crate::model::{ChartSource, SecretRef};
use crate::secret::Secret;

const CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
const CONTENT: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

fn chart(name: &str, version: &str) -> Vec<u8> {
    let about = format!("apiVersion: v2\nname: {name}\nversion: {version}\n");
    packed(&[
        Tar::file(&format!("{name}/Chart.yaml"), &about),
        Tar::file(&format!("{name}/crds/a.yaml"), "a: 1\n"),
    ])
}

fn hex(bytes: &[u8]) -> String {
    Digest::of(bytes).as_str().trim_start_matches("sha256:").to_owned()
}

/// An index with version 1.0.0 of `web`.
fn index(url: &str, digest: &str) -> String {
    format!(
        "apiVersion: v1\nentries:\n  web:\n  - apiVersion: v2\n    name: web\n    version: 1.0.0\n    digest: {digest}\n    urls:\n    - {url}\n"
    )
}

fn helm(tokens: &[(&str, &str)]) -> Helm {
    let mut settings = settings_of();
    let told = tokens.iter().map(|(name, text)| ((*name).to_owned(), Secret::new(*text)));
    settings.secrets = std::sync::Arc::new(crate::port::secrets::Told(told.collect()));
    Helm::new(settings)
}

async fn fetch(source: &ChartSource, version: &str) -> Result<Chart> {
    fetch_by(&helm(&[("PW", "hunter22")]), source, Some(version), None).await
}

async fn fetch_by(
    helm: &Helm,
    source: &ChartSource,
    version: Option<&str>,
    digest: Option<&str>,
) -> Result<Chart> {
    let at = ChartAt {
        source: source.clone(),
        url: format!("{}/web", source.url),
        name: "web".into(),
        version: version.map(str::to_owned),
        digest: digest.map(str::to_owned),
    };
    let scratch = tempfile::tempdir().unwrap();
    helm.fetch_chart(&at, scratch.path()).await
}

/// A repository that answers these pages for index and archive.
fn repository(index: impl FnOnce(&str) -> Answer, archive: Answer) -> (StandIn, ChartSource) {
    let server = StandIn::start();
    let source = source(&format!("{}/stable", server.url));
    server.page("/stable/index.yaml", index(&server.url));
    server.page("/stable/web-1.0.0.tgz", archive);
    (server, source)
}

#[tokio::test]
async fn a_chart_of_a_repository_is_what_its_index_says() {
    let archive = chart("web", "1.0.0");
    let text = index("web-1.0.0.tgz", &hex(&archive));
    let (_server, source) = repository(|_| ok(text), ok(archive.clone()));
    let found = fetch(&source, "1.0.0").await.unwrap();
    assert_eq!((found.name.as_str(), found.version.as_str()), ("web", "1.0.0"));
    assert_eq!(found.archive, Some(archive.clone()));
    assert_eq!(found.digest, Digest::of(&archive));
    assert_eq!(found.files["crds/a.yaml"], b"a: 1\n");
    assert_eq!(found.origin, Some(format!("main {}/web", source.url)));
}

#[tokio::test]
async fn bad_input_75_a_version_or_a_chart_that_is_not_there_names_those_that_are() {
    let archive = chart("web", "1.0.0");
    let text = index("web-1.0.0.tgz", &hex(&archive));
    let (_server, mut source) = repository(|_| ok(text), ok(archive));
    let error = fetch(&source, "1.0.1").await.unwrap_err();
    assert_eq!((error.code, error.field.as_deref()), (ErrorCode::InvalidRequest, Some("version")));
    assert_eq!(error.allowed.as_deref(), Some("1.0.0"));
    source.name = "other".into();
    let at = ChartAt {
        url: format!("{}/wbe", source.url),
        name: "wbe".into(),
        version: Some("1.0.0".into()),
        digest: None,
        source,
    };
    let error = helm(&[]).fetch_chart(&at, std::path::Path::new("/nowhere")).await.unwrap_err();
    assert_eq!(error.field.as_deref(), Some("chart_path"));
    assert_eq!(error.next.as_deref(), Some("did you mean web"));
}

#[tokio::test]
async fn an_archive_that_is_not_the_indexs_is_not_taken() {
    let archive = chart("web", "1.0.0");
    for (text, why) in [
        (index("web-1.0.0.tgz", &"0".repeat(64)), "not the one that the index tells of"),
        (index("web-1.0.0.tgz", "\"\""), "tells no digest"),
    ] {
        let (_server, source) = repository(|_| ok(text), ok(archive.clone()));
        let error = fetch(&source, "1.0.0").await.unwrap_err();
        assert_eq!(error.code, ErrorCode::UpstreamFailed);
        assert!(error.message.contains(why), "{error}");
    }
}

#[tokio::test]
async fn what_is_no_index_is_told_apart() {
    for (page, code, why) in [
        (status(404, "none"), ErrorCode::UpstreamFailed, "no index.yaml"),
        (status(401, "who"), ErrorCode::UpstreamDenied, "may not read"),
        (status(403, "no"), ErrorCode::UpstreamDenied, "may not read"),
        (status(503, "later"), ErrorCode::UpstreamFailed, "503"),
        (html("<html>log in</html>"), ErrorCode::UpstreamFailed, "page of HTML"),
        (ok("just: words\n"), ErrorCode::UpstreamFailed, "not an index"),
        (ok(vec![0xff, 0xfe, 0]), ErrorCode::UpstreamFailed, "not an index"),
        (ok("a: &a [*a, *a]\n"), ErrorCode::UpstreamFailed, "not an index"),
    ] {
        let (_server, source) = repository(|_| page, ok("x"));
        let error = fetch(&source, "1.0.0").await.unwrap_err();
        assert_eq!(error.code, code, "{error}");
        assert!(error.message.contains(why), "{error}");
    }
}

#[tokio::test]
async fn security_22_no_answer_leads_to_another_host() {
    let archive = chart("web", "1.0.0");
    let other = StandIn::start();
    other.page("/files/web-1.0.0.tgz", ok(archive.clone()));
    other.page("/index.yaml", ok(index("web-1.0.0.tgz", &hex(&archive))));
    let elsewhere = format!("{}/files/web-1.0.0.tgz", other.url);
    let metadata = "http://169.254.169.254/latest/meta-data/".to_owned();
    let user = other.url.replace("http://", "http://me:hunter22@");
    for to in [
        elsewhere.clone(),
        metadata,
        format!("{user}/files/x"),
        "file:///etc/passwd".into(),
        format!("//{}", other.url),
    ] {
        // Named by the index, or by a redirect of index or archive.
        let text = index(&to, &hex(&archive));
        let (_server, source) = repository(|_| ok(text), ok("x"));
        let error = fetch(&source, "1.0.0").await.unwrap_err();
        assert!(
            matches!(error.code, ErrorCode::PolicyDenied | ErrorCode::UpstreamFailed),
            "{error}"
        );
        let (_server, source) = repository(|_| Answer::redirect(&to), ok("x"));
        assert_eq!(fetch(&source, "1.0.0").await.unwrap_err().code, ErrorCode::PolicyDenied);
        let text = index("web-1.0.0.tgz", &hex(&archive));
        let (_server, source) = repository(|_| ok(text), Answer::redirect(&to));
        let error = fetch(&source, "1.0.0").await.unwrap_err();
        assert_eq!(error.code, ErrorCode::PolicyDenied);
        assert_eq!(error.field.as_deref(), Some("helm.sources.main.elsewhere"));
        assert!(!format!("{error:?}").contains("hunter22"), "{error:?}");
    }
    assert!(other.asked().is_empty(), "nothing was asked of it: {:?}", other.asked());

    // Where settings let it, and without the credentials.
    let text = index(&elsewhere, &hex(&archive));
    let (server, mut source) = repository(|_| ok(text), ok("x"));
    source.elsewhere = vec![format!("{}/files/", other.url)];
    source.username = Some("robot".into());
    source.password = Some(SecretRef::Env("PW".into()));
    fetch(&source, "1.0.0").await.unwrap();
    assert!(
        server.asked()[0].header("authorization").starts_with("Basic "),
        "{:?}",
        server.asked()
    );
    assert_eq!(other.asked()[0].header("authorization"), "");
}

#[tokio::test]
async fn answers_without_end_are_not_followed_or_read() {
    let (_server, source) =
        repository(|url| Answer::redirect(&format!("{url}/stable/index.yaml")), ok("x"));
    let error = fetch(&source, "1.0.0").await.unwrap_err();
    assert!(error.message.contains("without end"), "{error}");
    let long = vec![b'x'; usize::try_from(ARCHIVE_MAX).unwrap() + 1];
    let text = index("web-1.0.0.tgz", &"0".repeat(64));
    let (_server, source) = repository(|_| ok(text), ok(long));
    let error = fetch(&source, "1.0.0").await.unwrap_err();
    assert!(error.message.contains("longer than"), "{error}");
}

#[tokio::test]
async fn promise_7_a_password_is_sent_to_the_source_and_told_to_nobody() {
    let (server, mut source) = repository(|_| status(401, "who"), ok("x"));
    source.username = Some("robot".into());
    source.password = Some(SecretRef::Env("PW".into()));
    let error = fetch(&source, "1.0.0").await.unwrap_err();
    assert_eq!(error.field.as_deref(), Some("helm.sources.main.password"));
    let text = format!("{error:?}");
    assert!(!text.contains("hunter22") && !text.contains("cm9ib3Q6"), "{text}");
    assert_eq!(server.asked()[0].header("authorization"), "Basic cm9ib3Q6aHVudGVyMjI=");
    source.password = Some(SecretRef::Env("EMPTY".into()));
    let error = fetch(&source, "1.0.0").await.unwrap_err();
    assert!(error.message.contains("env:EMPTY holds no password"), "{error}");
}

#[tokio::test]
async fn an_archive_that_would_reach_out_of_its_folder_is_refused() {
    let about = "apiVersion: v2\nname: web\nversion: 1.0.0\n";
    let base = || Tar::file("web/Chart.yaml", about);
    let large = "x".repeat(6 * 1024 * 1024);
    for (entries, why) in [
        (vec![base(), Tar::file("web/../../etc/passwd", "x")], "leaves the chart's folder"),
        (vec![base(), Tar::file("/etc/passwd", "x")], "leaves the chart's folder"),
        (vec![base(), Tar::file("other/a", "x")], "leaves the chart's folder"),
        (vec![base(), Tar::file("web/a\\..\\b", "x")], "leaves the chart's folder"),
        (vec![base(), Tar::link("web/templates", "/etc")], "not a plain file"),
        (vec![base(), Tar::hard("web/a", "web/Chart.yaml")], "not a plain file"),
        (vec![base(), base()], "twice"),
        (vec![base(), Tar::file("web/a", &large)], "too large"),
        (vec![Tar::file("web/values.yaml", "a: 1\n")], "no Chart.yaml"),
        (vec![Tar::file("web/Chart.yaml", "name: ..\nversion: 1.0.0\n")], "name that is none"),
        (vec![Tar::file("web/Chart.yaml", "name: other\nversion: 1.0.0\n")], "another chart"),
        (vec![Tar::file("web/Chart.yaml", "name: web\nversion: 1.0.1\n")], "another version"),
        (vec![Tar::file("web/Chart.yaml", "name: web\nversion: ../x\n")], "version that is none"),
    ] {
        let archive = packed(&entries);
        let text = index("web-1.0.0.tgz", &hex(&archive));
        let (_server, source) = repository(|_| ok(text), ok(archive));
        let error = fetch(&source, "1.0.0").await.unwrap_err();
        assert!(error.message.contains(why), "{why}: {error}");
    }
    let text = index("web-1.0.0.tgz", &hex(b"not an archive"));
    let (_server, source) = repository(|_| ok(text), ok("not an archive"));
    assert!(fetch(&source, "1.0.0").await.unwrap_err().message.contains("cannot be read"));
}

/// A registry with `web` 1.0.0, whose manifest is as given; its digest.
fn registry(server: &StandIn, archive: &[u8], config: &str) -> String {
    let manifest = json!({
        "schemaVersion": 2,
        "config": { "mediaType": config, "digest": format!("sha256:{}", hex(b"{}")), "size": 2 },
        "layers": [{ "mediaType": CONTENT, "digest": format!("sha256:{}", hex(archive)), "size": 1 }],
    })
    .to_string();
    let digest = format!("sha256:{}", hex(manifest.as_bytes()));
    server.page("/v2/charts/web/manifests/1.0.0", ok(manifest.clone()));
    server.page(&format!("/v2/charts/web/manifests/{digest}"), ok(manifest));
    server.page(&format!("/v2/charts/web/blobs/sha256:{}", hex(archive)), ok(archive.to_vec()));
    digest
}

fn of_registry(server: &StandIn) -> ChartSource {
    source(&format!("oci://{}/charts", server.url.trim_start_matches("http://")))
}

#[tokio::test]
async fn a_chart_of_a_registry_is_what_its_digest_says() {
    let (server, archive) = (StandIn::start(), chart("web", "1.0.0"));
    let digest = registry(&server, &archive, CONFIG);
    let source = of_registry(&server);
    let by_version = fetch(&source, "1.0.0").await.unwrap();
    assert_eq!(by_version.origin, Some(format!("main {}/web@{digest}", source.url)));
    let helm = helm(&[]);
    let by_digest = fetch_by(&helm, &source, None, Some(&digest)).await.unwrap();
    assert_eq!(by_version, by_digest);
    // Another manifest under the same digest; another archive under the same manifest.
    server.page(&format!("/v2/charts/web/manifests/{digest}"), ok("{}"));
    let error = fetch_by(&helm, &source, None, Some(&digest)).await.unwrap_err();
    assert!(error.message.contains("not what its digest says"), "{error}");
    let blob = format!("/v2/charts/web/blobs/sha256:{}", hex(&archive));
    server.page(&blob, ok(chart("web", "1.0.0-evil")));
    let error = fetch(&source, "1.0.0").await.unwrap_err();
    assert!(error.message.contains("not what its digest says"), "{error}");
    let error = fetch(&source, "2.0.0").await.unwrap_err();
    assert_eq!((error.code, error.field.as_deref()), (ErrorCode::InvalidRequest, Some("version")));
    registry(&server, &archive, "application/vnd.oci.image.config.v1+json");
    assert!(fetch(&source, "1.0.0").await.unwrap_err().message.contains("not a chart"));
    server.page("/v2/charts/web/manifests/1.0.0", html("<html>"));
    assert!(fetch(&source, "1.0.0").await.unwrap_err().message.contains("not a manifest"));
}

#[tokio::test]
async fn a_token_is_fetched_where_settings_let_it_be_made() {
    let (server, maker, archive) = (StandIn::start(), StandIn::start(), chart("web", "1.0.0"));
    registry(&server, &archive, CONFIG);
    maker.page("/token?service=lab&scope=repository:charts/web:pull", ok("{\"token\":\"abc\"}"));
    let challenge = format!(
        "Bearer realm=\"{}/token\",service=\"lab\",scope=\"repository:charts/web:pull\"",
        maker.url
    );
    server.wants("Bearer abc", &challenge);
    let mut source = of_registry(&server);
    source.username = Some("robot".into());
    source.password = Some(SecretRef::Env("PW".into()));
    let error = fetch(&source, "1.0.0").await.unwrap_err();
    assert_eq!(error.code, ErrorCode::PolicyDenied, "{error}");
    assert!(maker.asked().is_empty());
    source.elsewhere = vec![format!("{}/", maker.url)];
    fetch(&source, "1.0.0").await.unwrap();
    assert_eq!(maker.asked()[0].header("authorization"), "Basic cm9ib3Q6aHVudGVyMjI=");
    assert!(server.asked().iter().all(|a| !a.header("authorization").starts_with("Basic")));
    // Who has to be told by name is told; without a name there is nothing to tell.
    server.wants("Basic cm9ib3Q6aHVudGVyMjI=", "Basic realm=\"lab\"");
    fetch(&source, "1.0.0").await.unwrap();
    (source.username, source.password) = (None, None);
    assert_eq!(fetch(&source, "1.0.0").await.unwrap_err().code, ErrorCode::UpstreamDenied);
}

#[tokio::test]
async fn what_has_to_be_signed_and_is_not_is_refused() {
    let archive = chart("web", "1.0.0");
    let text = index("web-1.0.0.tgz", &hex(&archive));
    let (server, mut source) = repository(|_| ok(text), ok(archive));
    source.keyring = Some("/nowhere/keys.gpg".into());
    assert_eq!(fetch(&source, "1.0.0").await.unwrap().signature, None);
    assert!(server.asked().iter().any(|a| a.path.ends_with(".tgz.prov")), "{:?}", server.asked());
    source.signed = true;
    let error = fetch(&source, "1.0.0").await.unwrap_err();
    assert!(error.message.contains("not signed"), "{error}");
}
