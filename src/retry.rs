//! Repeats a step that lost a race against a concurrent change.

/// The result of one attempt at a conditional step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt<T> {
    /// The step is done.
    Done(T),
    /// What the step read has changed, so it must start again.
    Retry,
}

/// Repeats a step at most `rounds` times until it is done. Returns `None` if every attempt asked
/// for a retry. There is no pause between attempts: the next one reads the new state.
///
/// # Errors
/// Returns the first error of an attempt.
pub async fn retry<T, E, F>(rounds: usize, mut attempt: impl FnMut() -> F) -> Result<Option<T>, E>
where
    F: Future<Output = Result<Attempt<T>, E>>,
{
    for _ in 0..rounds {
        if let Attempt::Done(done) = attempt().await? {
            return Ok(Some(done));
        }
    }
    Ok(None)
}
