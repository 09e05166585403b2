//! The same tools over HTTP: the official clients, with the server's token, against `datamcp serve --http`.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::ground::Ground;
use super::official::{Bridge, Way};
use super::site::Site;
use super::walk::Walker;
use super::{Kit, Lane, Run, Walk};

/// A server on a free port; it ends with this value.
struct Server {
    child: Child,
    url: String,
    token: String,
}

/// One client of each generation walks the short way.
pub(super) fn walk(run: &mut Run<'_>, kit: &Kit, ground: &Ground) {
    let tests = run.checkout.top().join("tests/clients");
    let python = vec![kit.python.clone(), tests.join("python/bridge.py")];
    let node = vec![kit.node.clone(), tests.join("node/bridge.mjs"), kit.packages.clone()];
    let clients = [
        ("http-python", python, "auto", "2026-07-28"),
        ("http-ts", node, "2025-11-25", "2025-11-25"),
    ];
    for (name, program, mode, revision) in clients {
        let folder = run.logs.join("clients").join(name);
        let log = run.log(Lane::Clients, name);
        let mut started = None;
        run.step(Lane::Clients, &format!("{name}: open"), |run| {
            let site = Site::lay(run.checkout, &folder, ground, name)?;
            let server = Server::start(&site)?;
            let wrong = Way::Http { url: server.url.clone(), token: "x".repeat(64) };
            let refused = Bridge::new(program.clone(), mode, wrong, &log).open(&site);
            ensure!(refused.is_err(), "a wrong token was taken");
            let way = Way::Http { url: server.url.clone(), token: server.token.clone() };
            let mut bridge = Bridge::new(program, mode, way, &log);
            let agreed = bridge.open(&site)?;
            ensure!(agreed == revision, "expected revision {revision}, got {agreed}");
            started = Some((site, server, Walker::Bridge(Box::new(bridge))));
            Ok(format!("{agreed}; a wrong token was refused"))
        });
        let Some((site, _server, mut walker)) = started else { continue };
        kit.walk(run, ground, name, &site, &mut walker, Walk::Short);
        run.step(Lane::Clients, &format!("{name}: faults 3, 4"), |_| {
            super::walk::faults_3_and_4(&mut walker, &site)
        });
        run.step(Lane::Clients, &format!("{name}: close"), |_| walker.close());
    }
}

impl Server {
    fn start(site: &Site) -> Result<Self> {
        let words = site.command(&["--json", "serve", "--http", "127.0.0.1:0"]);
        let [program, arguments @ ..] = words.as_slice() else { bail!("a command without words") };
        let log =
            File::create(site.folder.join("server.log")).context("making the server's log")?;
        let mut child = Command::new(program)
            .args(arguments)
            .current_dir(&site.folder)
            .env_clear()
            .envs(site.environment()?)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .context("starting the HTTP server")?;
        let out = child.stdout.take().context("the server's stdout")?;
        let mut server = Self { child, url: String::new(), token: String::new() };
        let mut line = String::new();
        BufReader::new(out).read_line(&mut line).context("reading where the server listens")?;
        let said: Value =
            serde_json::from_str(&line).with_context(|| format!("reading {line:?}"))?;
        let field = |name: &str| said.get(name).and_then(Value::as_str).map(str::to_owned);
        server.url = field("url").context("no url")?;
        let file = field("token_file").context("no token_file")?;
        let token = std::fs::read_to_string(&file).with_context(|| format!("reading {file}"))?;
        token.trim().clone_into(&mut server.token);
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The lane is through with it; operations would go on without it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
