//! A kubeconfig as lines, in the block form that kubectl and the clouds' tools write: top-level keys at the margin, each
//! list's items at one depth. Whether a change meant what it should is judged by who parses the result, not here.

/// Lines of a file.
pub(super) struct Lines(Vec<String>);

impl Lines {
    pub(super) fn of(text: &str) -> Self {
        Self(text.lines().map(str::to_owned).collect())
    }

    pub(super) fn text(&self) -> String {
        self.0.join("\n") + "\n"
    }

    /// Where a top-level key stands.
    fn key(&self, key: &str) -> Option<usize> {
        self.0.iter().position(|line| rest(line, key).is_some())
    }

    /// Sets a top-level key to a text of one line.
    pub(super) fn set(&mut self, key: &str, value: &str) {
        let line = format!("{key}: {value}");
        match self.key(key).and_then(|at| self.0.get_mut(at)) {
            Some(there) => *there = line,
            None => self.0.push(line),
        }
    }

    /// Puts an item (`- …`, in lines) into a list that has `count` items, in place of one or after the last. Nothing when
    /// the list does not have the form that is known here.
    pub(super) fn put(
        &mut self,
        list: &str,
        count: usize,
        instead_of: Option<usize>,
        item: &str,
    ) -> Option<()> {
        let Some(at) = self.key(list) else {
            self.0.push(format!("{list}:"));
            self.0.extend(item.lines().map(str::to_owned));
            return Some(());
        };
        let inline = rest(self.0.get(at)?, list)?;
        if count == 0 {
            matches!(inline, "" | "[]" | "null" | "~").then_some(())?;
            *self.0.get_mut(at)? = format!("{list}:");
            self.0.splice(at + 1..=at, item.lines().map(str::to_owned));
            return Some(());
        }
        if !inline.is_empty() {
            return None;
        }
        let items = self.items(at);
        if items.len() != count {
            return None;
        }
        let depth = indent(self.0.get(items.first()?.0)?);
        let end = items.last()?.1;
        let place = match instead_of {
            Some(index) => items.get(index).copied()?,
            None => (end, end),
        };
        let lines = item.lines().map(|line| format!("{}{line}", " ".repeat(depth)));
        self.0.splice(place.0..place.1, lines.collect::<Vec<_>>());
        Some(())
    }

    /// First line of each item and the line after its last one; blanks and comments after it are not its own.
    fn items(&self, key: usize) -> Vec<(usize, usize)> {
        let belongs = |line: &str| line.is_empty() || line.starts_with([' ', '-', '#']);
        let body = self.0.iter().enumerate().skip(key + 1).take_while(|(_, line)| belongs(line));
        let body: Vec<(usize, &String)> = body.collect();
        let is_item = |line: &str| line.trim_start() == "-" || line.trim_start().starts_with("- ");
        let Some(depth) = body.iter().find(|(_, l)| is_item(l)).map(|(_, l)| indent(l)) else {
            return Vec::new();
        };
        let starts: Vec<usize> = body
            .iter()
            .filter(|(_, line)| is_item(line) && indent(line) == depth)
            .map(|(at, _)| *at)
            .collect();
        let end = body.last().map_or(key + 1, |(at, _)| at + 1);
        let ends = starts.iter().skip(1).copied().chain([end]);
        let idle = |line: &String| line.trim().is_empty() || line.trim_start().starts_with('#');
        starts
            .iter()
            .zip(ends)
            .map(|(start, mut end)| {
                while end > *start && self.0.get(end - 1).is_some_and(idle) {
                    end -= 1;
                }
                (*start, end)
            })
            .collect()
    }
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// What stands after `key:` on its line, without a comment.
fn rest<'l>(line: &'l str, key: &str) -> Option<&'l str> {
    let rest = line.strip_prefix(key)?.strip_prefix(':')?;
    (rest.is_empty() || rest.starts_with(' ')).then(|| {
        let rest = rest.trim();
        if rest.starts_with('#') { "" } else { rest }
    })
}
