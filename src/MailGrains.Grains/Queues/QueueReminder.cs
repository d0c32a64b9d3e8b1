namespace MailGrains.Grains.Queues;

/// <summary>
/// The one reminder of a queue that has work. It is stored before the first commit that makes the queue non-empty and removed only while enqueues
/// wait, so a queue with work always has it. A tick means no more than "look now".
/// </summary>
/// <param name="register">Stores it: when it fires first.</param>
/// <param name="remove">Removes it where there is one.</param>
/// <param name="time">Of the periods.</param>
internal sealed class QueueReminder(Func<TimeSpan, Task> register, Func<Task> remove, TimeProvider time)
{
    /// <summary>A reminder that has not been seen for so many periods may have been removed by an activation that did not know of this one.</summary>
    private const int Unseen = 3;

    /// <summary>Stored.</summary>
    public const string Name = "queue";

    private Task _changing = Task.CompletedTask;
    private int _enqueuing;
    private long _seen;

    /// <summary>It is there, and fires within one period of now.</summary>
    public bool IsNear { get; private set; }

    /// <summary>Runs an enqueue with the reminder in place, which stays until it has ended.</summary>
    /// <exception cref="Exception">The reminder could not be stored: nothing was enqueued.</exception>
    public async ValueTask<T> RunAsync<T>(TimeSpan period, Func<ValueTask<T>> enqueue)
    {
        _enqueuing++;
        try
        {
            await EnsureAsync(period);
            return await enqueue();
        }
        finally
        {
            _enqueuing--;
        }
    }

    public async ValueTask EnsureAsync(TimeSpan period)
    {
        while (!IsNear || time.GetElapsedTime(_seen) > Unseen * period)
        {
            if (_changing.IsCompleted)
            {
                _changing = RegisterAsync(period);
            }

            await _changing;
        }
    }

    /// <summary>Removes it, unless somebody enqueues meanwhile; the queue is empty.</summary>
    public Task RemoveAsync() => ChangeAsync(remove);

    /// <summary>Lets it fire at a later time only; the queue has nothing to do until then.</summary>
    /// <returns>False: somebody enqueues, or has meanwhile.</returns>
    public async Task<bool> ParkAsync(TimeSpan until) => await ChangeAsync(() => register(until)) && _enqueuing == 0 && !IsNear;

    /// <summary>It has fired.</summary>
    public void Ticked() => _seen = time.GetTimestamp();

    private async Task<bool> ChangeAsync(Func<Task> change)
    {
        if (_enqueuing > 0 || !_changing.IsCompleted)
        {
            return false;
        }

        // From here on an enqueue registers again, behind this.
        IsNear = false;
        _changing = change();
        await _changing;
        return true;
    }

    private async Task RegisterAsync(TimeSpan period)
    {
        await register(period);
        Ticked();
        IsNear = true;
    }
}
