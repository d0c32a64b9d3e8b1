namespace MailGrains.Grains.Relay.Limits;

/// <summary>Callers of one silo that wait for a connection to a site, or for the right to a message on one; under the lock of <see cref="SitePermits"/>.</summary>
internal sealed class WaitingCallers
{
    private readonly LinkedList<Caller<PermitResult>> _permits = new();
    private readonly LinkedList<Caller<MessageTurn>> _messages = new();
    private int _urgent;

    public int Permits => _permits.Count;

    public int Messages => _messages.Count;

    public bool IsEmpty => _permits.Count == 0 && _messages.Count == 0;

    public bool IsAnyUrgent => _urgent > 0;

    /// <summary>Whose message is the next; null: nobody's.</summary>
    public ConnectionPermit? NextMessage => _messages.First?.Value.Permit;

    /// <summary>When the first of them has waited long enough.</summary>
    public TimeSpan Deadline
    {
        get
        {
            var deadline = _messages.First?.Value.Deadline ?? TimeSpan.MaxValue;

            // Urgent ones stand before others and may have come later.
            for (var caller = _permits.First; caller is not null; caller = caller.Value.IsUrgent ? caller.Next : null)
            {
                deadline = caller.Value.Deadline < deadline ? caller.Value.Deadline : deadline;
            }

            return deadline;
        }
    }

    public Caller<PermitResult> AddPermit(bool isUrgent, TimeSpan deadline)
    {
        var caller = new Caller<PermitResult>(deadline) { IsUrgent = isUrgent };
        var before = _permits.First;
        while (isUrgent && before is { Value.IsUrgent: true })
        {
            before = before.Next;
        }

        caller.Node = isUrgent && before is not null ? _permits.AddBefore(before, caller) : _permits.AddLast(caller);
        _urgent += isUrgent ? 1 : 0;
        return caller;
    }

    public Caller<MessageTurn> AddMessage(ConnectionPermit permit, TimeSpan deadline)
    {
        var caller = new Caller<MessageTurn>(deadline) { Permit = permit };
        caller.Node = _messages.AddLast(caller);
        return caller;
    }

    public void ServePermit(ConnectionPermit permit) => Answer(_permits, new PermitResult(permit, default, null));

    public void ServeMessage(MessageTurn turn) => Answer(_messages, turn);

    public void RefusePermits(PermitResult refusal)
    {
        while (_permits.Count > 0)
        {
            Answer(_permits, refusal);
        }
    }

    public void RefuseAll(PermitResult refusal)
    {
        RefusePermits(refusal);
        while (_messages.Count > 0)
        {
            ServeMessage(new MessageTurn(MessageTurnKind.Close, default, null));
        }
    }

    /// <summary>Answers those whose connection is to be closed.</summary>
    public void CloseOver()
    {
        for (var node = _messages.First; node is not null;)
        {
            var next = node.Next;
            if (node.Value.Permit!.Progress.IsOver)
            {
                Answer(node, new MessageTurn(MessageTurnKind.Close, default, null));
            }

            node = next;
        }
    }

    /// <summary>Answers those who have waited long enough.</summary>
    public void RefuseLate(TimeSpan now, Func<PermitResult> refusal)
    {
        for (var node = _permits.First; node is not null;)
        {
            var next = node.Next;
            if (node.Value.Deadline <= now)
            {
                Answer(node, refusal());
            }

            node = next;
        }

        while (_messages.First is { } first && first.Value.Deadline <= now)
        {
            var late = refusal();
            Answer(first, new MessageTurn(MessageTurnKind.Wait, late.NotBefore, "the site has had its messages for now"));
        }
    }

    /// <summary>Waits for the answer. Who gives up leaves the line; a connection that came at the same moment is given back.</summary>
    public async Task<T> WaitAsync<T>(Caller<T> caller, Lock gate, CancellationToken cancellationToken)
        where T : struct
    {
        try
        {
            return await caller.Answer.Task.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            lock (gate)
            {
                if (caller.Node is { List: not null } node)
                {
                    Remove(node);
                }
            }

            if (caller.Answer.Task.IsCompletedSuccessfully && caller.Answer.Task.Result is PermitResult { Permit: { } permit })
            {
                permit.Dispose();
            }

            throw;
        }
    }

    private void Answer<T>(LinkedList<Caller<T>> line, T answer)
        where T : struct => Answer(line.First!, answer);

    private void Answer<T>(LinkedListNode<Caller<T>> node, T answer)
        where T : struct
    {
        Remove(node);
        node.Value.Answer.SetResult(answer);
    }

    private void Remove<T>(LinkedListNode<Caller<T>> node)
        where T : struct
    {
        _urgent -= node.Value.IsUrgent ? 1 : 0;
        node.List!.Remove(node);
    }

    internal sealed class Caller<T>(TimeSpan deadline)
        where T : struct
    {
        /// <summary>Its continuations run elsewhere, so it may be answered under a lock.</summary>
        public TaskCompletionSource<T> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TimeSpan Deadline => deadline;

        public bool IsUrgent { get; init; }

        public ConnectionPermit? Permit { get; init; }

        public LinkedListNode<Caller<T>>? Node { get; set; }
    }
}
