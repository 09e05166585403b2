//! `generate_kubeconfig` beside the one question that it asks the cloud. The questions are counted on their way.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::figure::{Figure, median, millis, percentile};
use super::site::{Site, write};
use crate::lab::{Aws, Emulator};

/// Calls of each.
const CALLS: usize = 20;
/// Name of the cluster.
const CLUSTER: &str = "bench-kubeconfig";

pub(super) fn measure(site: &Site) -> Result<Vec<Figure>> {
    Emulator::new(&site.aws).create_eks_cluster(CLUSTER, &[])?;
    let between = Between::start(&site.aws.endpoint)?;
    let settings = site.folder.join("kubeconfig.toml");
    let text = site.configuration(&site.terraform.path, "state-kubeconfig")?;
    let cluster = format!("[environments.aws.one-0]\ncluster = {{ name = \"{CLUSTER}\" }}");
    let text = text.replacen(&site.aws.endpoint, &between.url, 1).replacen(
        "[environments.aws.one-0]",
        &cluster,
        1,
    );
    write(&settings, &text)?;
    let beside = Emulator::new(&Aws { endpoint: between.url.clone(), ..site.aws.clone() });
    let mut client = site.session(&settings)?;
    let (mut ours, mut bare, mut asked) = (Vec::new(), Vec::new(), 0);
    for round in 0..=CALLS {
        let path = format!("kubeconfigs/{round}");
        let request = json!({ "cloud": "aws", "env": "one-0", "path": path });
        let before = between.questions();
        let started = Instant::now();
        let answer = client.call("generate_kubeconfig", &request, &mut |_| {})?;
        let took = started.elapsed();
        let questions = between.questions() - before;
        if answer.structured.get("changed") != Some(&Value::Bool(true)) {
            bail!("expected a file that is written, got {}", answer.brief());
        }
        let started = Instant::now();
        beside.eks_cluster(CLUSTER)?;
        let question = started.elapsed();
        // The first ones do not count: stores are made, connections opened.
        if round > 0 {
            ours.push(millis(took));
            bare.push(millis(question));
            asked = asked.max(questions);
        }
    }
    client.stop()?;
    let questions = u32::try_from(asked).map(f64::from).context("counting questions")?;
    let note = format!(
        "median {:.1} ms beside {:.1} ms of DescribeCluster alone; p95 {:.1} ms of {CALLS}",
        median(&ours),
        median(&bare),
        percentile(&ours, 0.95)
    );
    let more = median(&ours) - median(&bare);
    Ok(vec![
        Figure::at_most("kubeconfig, beside its one question", more, "ms", 20.0).note(note),
        Figure::at_most("kubeconfig, questions to the cloud", questions, "", 1.0),
    ])
}

/// Hands bytes on to the emulator, and counts the requests among them.
struct Between {
    url: String,
    count: Arc<AtomicUsize>,
}

impl Between {
    fn start(endpoint: &str) -> Result<Self> {
        let to = endpoint.strip_prefix("http://").context("the emulator's address")?.to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").context("listening")?;
        let url = format!("http://{}", listener.local_addr().context("listening")?);
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(far) = TcpStream::connect(&to) else { continue };
                let (Ok(near_end), Ok(far_end)) = (near.try_clone(), far.try_clone()) else {
                    continue;
                };
                let counted = Arc::clone(&counted);
                thread::spawn(move || hand_on(near, far, Some(&counted)));
                thread::spawn(move || hand_on(far_end, near_end, None));
            }
        });
        Ok(Self { url, count })
    }

    fn questions(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

/// Until one of the two ends. A request is one write of its client here: its first line is at the beginning of a piece.
fn hand_on(mut from: TcpStream, mut to: TcpStream, count: Option<&AtomicUsize>) {
    let mut piece = [0; 16 * 1024];
    while let Ok(length @ 1..) = from.read(&mut piece) {
        let Some(bytes) = piece.get(..length) else { break };
        let line = bytes.split(|byte| *byte == b'\r').next().unwrap_or_default();
        if line.ends_with(b" HTTP/1.1")
            && let Some(count) = count
        {
            count.fetch_add(1, Ordering::SeqCst);
        }
        if to.write_all(bytes).is_err() {
            break;
        }
    }
    drop(to.shutdown(Shutdown::Write));
}
