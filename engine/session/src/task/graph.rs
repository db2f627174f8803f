//! Graphs of tasks: which run after which.

use std::collections::HashMap;
use std::sync::Arc;

use firn_account::catalog::{GraphRun, Namespace, Object, Task, TaskState, VisibleCatalog};
use firn_types::ObjectId;

/// A root task with all that run after it.
#[derive(Clone, Debug)]
pub(crate) struct Graph {
    /// The root first, each task behind those that it runs after.
    tasks: Vec<Arc<Task>>,
    /// The task that runs at last, whatever the others have come to.
    finalizer: Option<Arc<Task>>,
}

/// What is to be done next in a run.
#[derive(Clone, Debug)]
pub(crate) enum Next {
    /// The task runs.
    Run(Arc<Task>),
    /// The task is skipped.
    Skip(Arc<Task>),
    /// Nothing: the run has ended.
    Nothing,
}

impl Graph {
    /// The graph of a root task.
    pub(crate) fn of(catalog: &VisibleCatalog, root: &Arc<Task>) -> Graph {
        let all = catalog.children(Namespace::Task, root.header.parent);
        let all: Vec<&Arc<Task>> = all.into_iter().filter_map(Object::as_task).collect();
        let mut tasks = vec![Arc::clone(root)];
        loop {
            let known = |id: &ObjectId| tasks.iter().any(|task| task.header.id == *id);
            let is_next = |task: &&&Arc<Task>| {
                !known(&task.header.id) && !task.after.is_empty() && task.after.iter().all(known)
            };
            let Some(next) = all.iter().find(is_next) else { break };
            let next = Arc::clone(next);
            tasks.push(next);
        }
        let finalizer = all.iter().find(|task| task.finalizes == Some(root.header.id));
        Graph { tasks, finalizer: finalizer.map(|task| Arc::clone(task)) }
    }

    /// All tasks, the finalizer too.
    pub(crate) fn tasks(&self) -> impl Iterator<Item = &Arc<Task>> {
        self.tasks.iter().chain(&self.finalizer)
    }

    /// A run that failed, begun again where it did.
    pub(crate) fn retried(&self, failed: GraphRun) -> GraphRun {
        let last = self.finalizer.as_ref().map(|task| task.header.id);
        let mut ended = failed.ended;
        ended.retain(|end| end.state == TaskState::Succeeded && Some(end.task) != last);
        GraphRun { attempt: failed.attempt + 1, ended, ..failed }
    }

    /// What is to be done next in a run. A child that is suspended counts as if it had run; one behind a task that
    /// has failed does not run, and one behind a task that was skipped is skipped, too.
    pub(crate) fn next(&self, run: &GraphRun) -> Next {
        let mut states: HashMap<ObjectId, TaskState> =
            run.ended.iter().map(|end| (end.task, end.state)).collect();
        for (at, task) in self.tasks.iter().enumerate() {
            let id = task.header.id;
            if states.contains_key(&id) {
                continue;
            }
            let before: Option<Vec<TaskState>> =
                task.after.iter().map(|before| states.get(before).copied()).collect();
            let Some(before) = before else { continue };
            let worst = [TaskState::Failed, TaskState::Skipped]
                .into_iter()
                .find(|state| before.contains(state));
            match worst {
                Some(TaskState::Failed) => {
                    states.insert(id, TaskState::Failed);
                }
                Some(_) => return Next::Skip(Arc::clone(task)),
                None if at > 0 && !task.started => {
                    states.insert(id, TaskState::Succeeded);
                }
                None => return Next::Run(Arc::clone(task)),
            }
        }
        match &self.finalizer {
            Some(last) if last.started && !states.contains_key(&last.header.id) => {
                Next::Run(Arc::clone(last))
            }
            _ => Next::Nothing,
        }
    }
}

/// The root of a task's graph; the task itself when it is one.
pub(crate) fn root_of(catalog: &VisibleCatalog, task: &Arc<Task>) -> Option<Arc<Task>> {
    let mut next = Arc::clone(task);
    // A chain is no longer than a graph may have tasks.
    for _ in 0..GRAPH_TASKS_MAX {
        let above = next.finalizes.or_else(|| next.after.first().copied());
        let Some(above) = above else { return Some(next) };
        next = catalog.object(above).and_then(Object::as_task).cloned()?;
    }
    None
}

/// Tasks that a graph may have.
pub(crate) const GRAPH_TASKS_MAX: usize = 1_000;
