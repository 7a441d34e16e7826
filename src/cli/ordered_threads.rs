//! Work on many inputs on all cores, with the results in the order of the inputs.

use std::num::NonZero;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

/// The number of results of one thread that may wait to be consumed. So a slow consumer limits the
/// memory.
const MAX_WAITING: usize = 2;

/// Calls `work` for each input, on one thread for each core. Calls `consume` for each result on this
/// thread, in the order of the inputs. For a single input, or on a single core, starts no thread.
///
/// # Errors
/// Returns the first error of `consume`. The results after it are dropped.
pub(super) fn map_in_order<I: Sync, O: Send, E>(
    inputs: &[I],
    work: impl Fn(&I) -> O + Sync,
    mut consume: impl FnMut(O) -> Result<(), E>,
) -> Result<(), E> {
    let cores = match inputs.len() {
        0 | 1 => 1,
        _ => thread::available_parallelism().map_or(1, NonZero::get),
    };
    let threads = cores.min(inputs.len());
    if threads < 2 {
        return inputs.iter().map(work).try_for_each(consume);
    }
    thread::scope(|scope| {
        let work = &work;
        // The first of n threads has the first input and every n-th one after it, and so on. So the
        // next result always comes from the next thread.
        let start_thread = |number: usize| {
            let (sender, results) = sync_channel(MAX_WAITING);
            scope.spawn(move || {
                let mut own = inputs.iter().skip(number).step_by(threads).map(work);
                // This fails if `consume` has failed. Then there is no more work.
                let _ = own.try_for_each(|result| sender.send(result));
            });
            results
        };
        let queues: Vec<Receiver<O>> = (0..threads).map(start_thread).collect();
        let mut in_order = queues.iter().cycle().take(inputs.len());
        // If a thread has panicked, its queue is closed, and the end of the scope panics too.
        in_order.try_for_each(|queue| queue.recv().map_or(Ok(()), &mut consume))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn results_come_in_order_until_one_fails() {
        let inputs: Vec<u64> = (0..100).collect();
        // The first inputs take the longest.
        let square = |&input: &u64| {
            thread::sleep(Duration::from_micros(10 * (100 - input)));
            input * input
        };
        for end in [100, 40, 0] {
            let mut results = Vec::new();
            let outcome = map_in_order(&inputs, square, |result| match result < end * end {
                true => {
                    results.push(result);
                    Ok(())
                }
                false => Err(result),
            });
            let expected: Vec<u64> = (0..end).map(|input| input * input).collect();
            assert_eq!(results, expected);
            assert_eq!(outcome, if end == 100 { Ok(()) } else { Err(end * end) });
        }
        assert_eq!(map_in_order(&[], |&()| (), Err), Ok(()));
    }
}
