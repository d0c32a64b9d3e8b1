using System.Net;
using MailGrains.EndToEnd.Tests.Clients;

namespace MailGrains.EndToEnd.Tests.Crash;

/// <summary>What just happened to one session of a <see cref="Storm"/>.</summary>
internal enum StormMoment
{
    /// <summary>Its end of data is sent, the reply has not come.</summary>
    Waits,

    /// <summary>It was acknowledged; others of the same commit may not have their reply yet.</summary>
    Answered,

    /// <summary>It was refused for now.</summary>
    Deferred,
}

/// <summary>
/// Clients that send without pause. Half of them repeat a message whose reply they did not see, the others never come back to it. A message
/// that is refused for now is repeated by all.
/// </summary>
internal sealed class Storm
{
    private readonly Ledger _ledger;
    private readonly List<Sender> _senders;
    private readonly List<Waiter> _waiters = [];
    private int _waiting;
    private int _answered;
    private int _unanswered;
    private int _ended;
    private int _held;
    private volatile bool _stopping;
    private volatile Exception? _failure;
    private TaskCompletionSource _retries = Released();

    public Storm(Ledger ledger, int sessions)
    {
        _ledger = ledger;
        _senders = [.. Enumerable.Range(0, sessions).Select(i => new Sender(this, repeats: i % 2 == 0))];
    }

    /// <summary>Sessions whose end of data was sent and whose reply has not come.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>Messages of this run that were acknowledged.</summary>
    public int Answered => Volatile.Read(ref _answered);

    /// <summary>Messages of this run whose connection ended between end of data and reply.</summary>
    public int Unanswered => Volatile.Read(ref _unanswered);

    /// <summary>Connections of this run that the server ended, at whatever moment.</summary>
    public int Ended => Volatile.Read(ref _ended);

    /// <summary>Clients that were refused and wait for <see cref="Retry"/>.</summary>
    public int Held => Volatile.Read(ref _held);

    /// <summary>Called by the session that it happens to, before it goes on: the time to hit.</summary>
    public Action<StormMoment>? OnMoment { get; set; }

    /// <summary>Sends until the server is gone or <see cref="Stop"/> is called.</summary>
    /// <exception cref="Xunit.Sdk.XunitException">The server refused a message for good.</exception>
    public async Task RunAsync(IPEndPoint smtp, CancellationToken cancellationToken)
    {
        (_waiting, _answered, _unanswered, _ended, _held, _stopping) = (0, 0, 0, 0, 0, false);
        await Task.WhenAll(_senders.Select(s => Task.Run(() => s.RunAsync(smtp, cancellationToken), cancellationToken)));
    }

    /// <summary>Each client ends after the reply that it waits for.</summary>
    public void Stop() => _stopping = true;

    /// <summary>From now on a client that is refused waits for <see cref="Retry"/> before it repeats.</summary>
    public void HoldRetries() => _retries = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Retry() => _retries.TrySetResult();

    /// <summary>Waits until the clients have come so far.</summary>
    public async Task UntilAsync(Func<Storm, bool> reached, CancellationToken cancellationToken)
    {
        var waiter = new Waiter(reached, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        lock (_waiters)
        {
            _waiters.Add(waiter);
        }

        CheckWaiters();
        if (_failure is { } failure)
        {
            waiter.Reached.TrySetException(failure);
        }

        await waiter.Reached.Task.WaitAsync(cancellationToken);
    }

    private static TaskCompletionSource Released()
    {
        var released = new TaskCompletionSource();
        released.SetResult();
        return released;
    }

    private void Happened(StormMoment moment)
    {
        OnMoment?.Invoke(moment);
        CheckWaiters();
    }

    private void CheckWaiters()
    {
        lock (_waiters)
        {
            _waiters.RemoveAll(w => w.Condition(this) && w.Reached.TrySetResult());
        }
    }

    /// <summary>Nobody waits for what can't come any more.</summary>
    private void Fail(Exception exception)
    {
        lock (_waiters)
        {
            _failure = exception;
            _waiters.ForEach(w => w.Reached.TrySetException(exception));
            _waiters.Clear();
        }
    }

    private sealed record Waiter(Func<Storm, bool> Condition, TaskCompletionSource Reached);

    private sealed class Sender(Storm storm, bool repeats)
    {
        private TestMessage? _pending;
        private bool _waits;

        public async Task RunAsync(IPEndPoint smtp, CancellationToken cancellationToken)
        {
            try
            {
                using var session = await SmtpSession.OpenAsync(smtp, cancellationToken);
                while (!storm._stopping)
                {
                    await SendAsync(session, cancellationToken);
                }
            }
            catch (IOException) when (_waits)
            {
                Interlocked.Increment(ref storm._ended);
                Interlocked.Increment(ref storm._unanswered);
                _pending = repeats ? _pending : null;
            }
            catch (IOException)
            {
                // The server never had this message: it is sent to the next one.
                Interlocked.Increment(ref storm._ended);
            }
            catch (Exception e)
            {
                storm.Fail(e);
                throw;
            }
            finally
            {
                Waits(false);
            }
        }

        private async Task SendAsync(SmtpSession session, CancellationToken cancellationToken)
        {
            var message = _pending ??= storm._ledger.Next();
            var reply = await session.SendAsync(
                message,
                () => storm._ledger.HandsOver(message),
                () =>
                {
                    Waits(true);
                    storm.Happened(StormMoment.Waits);
                },
                cancellationToken);
            Waits(false);
            Assert.True(reply.Code == 250 || reply.IsTransient, $"Message {message.Number} was answered '{reply.Text}'.");
            if (reply.Code == 250)
            {
                storm._ledger.Acknowledge(message);
                _pending = null;
                Interlocked.Increment(ref storm._answered);
                storm.Happened(StormMoment.Answered);
                return;
            }

            Interlocked.Increment(ref storm._held);
            storm.Happened(StormMoment.Deferred);
            await storm._retries.Task.WaitAsync(cancellationToken);
            Interlocked.Decrement(ref storm._held);
        }

        private void Waits(bool waits)
        {
            if (waits != _waits)
            {
                _waits = waits;
                Interlocked.Add(ref storm._waiting, waits ? 1 : -1);
            }
        }
    }
}
