using MailGrains.Grains.Relay.Limits;
using MailGrains.Protocols.Smtp.Client;

namespace MailGrains.Grains.Relay.Sending;

/// <summary>
/// One connection's worth of work for a site: gets a permit, opens a connection with it, sends message after message, waits a little for more, and says QUIT.
/// Every message that it takes ends with a report, or goes back to the line.
/// </summary>
internal sealed class SiteWorker(RelaySite site, RelaySender sender)
{
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(1);

    private ConnectionPermit? _permit;
    private DateTimeOffset? _failedAt;
    private TaskCompletionSource<Attempt?>? _waiting;
    private long _waitsSince;
    private Attempt? _current;

    public async Task RunAsync()
    {
        DateTimeOffset? noMoreBefore = null;
        try
        {
            while (noMoreBefore is null && !sender.IsStopping && site.HasWork)
            {
                noMoreBefore = await RunWithPermitAsync();
            }
        }
        catch (OperationCanceledException) when (sender.IsStopping)
        {
            _current?.ReportNotTried("the silo stops", null, sender.Time.GetUtcNow());
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // A defect of ours; its message is temporary, as all that is not known.
            sender.Log.WorkerFailed(e, site.Key.Site);
            _current?.Report();
        }
        finally
        {
            Finish(_current);
            if (sender.IsStopping)
            {
                // What has come to the line since all was taken from it, or was put back.
                site.TakeAll().ForEach(attempt => Refuse(attempt, "the silo stops", null));
            }

            site.WorkerEnds(this, noMoreBefore);
        }
    }

    /// <summary>From another thread: what it waits for.</summary>
    public void Give(Attempt? attempt) => _waiting!.TrySetResult(attempt);

    /// <summary>Ends the wait when it has been long, or others are to have the connection.</summary>
    public void LookAfter()
    {
        if (sender.Time.GetElapsedTime(Volatile.Read(ref _waitsSince)) >= sender.Options.IdleTime || sender.IsStopping || _permit?.MayStartMessage() != true)
        {
            StopWaiting();
        }
    }

    private void StopWaiting()
    {
        if (site.StopWaiting(this))
        {
            Give(null);
        }
    }

    /// <returns>When there may be another connection, where there is none now; null: go on.</returns>
    private async Task<DateTimeOffset?> RunWithPermitAsync()
    {
        var result = await sender.Leases.AcquireAsync(site.Key.Site, site.Key.Tenant, site.IsUrgent, sender.Stopping);
        if (result.Permit is not { } permit)
        {
            if (!site.IsLive)
            {
                site.TakeAll().ForEach(attempt => Refuse(attempt, result.Reason ?? "the site can't be used now", result.NotBefore));
            }

            return result.NotBefore;
        }

        using (permit)
        {
            if (_failedAt is { } failedAt && !site.IsLive && !permit.IsProbe && sender.Time.GetUtcNow() - failedAt < AfterFailure)
            {
                // Another silo's connections work, or the limits could not be asked for: another try at once would only be one more.
                var soon = failedAt + AfterFailure;
                site.TakeAll().ForEach(attempt => Refuse(attempt, "the site has just failed", soon));
                return soon;
            }

            _permit = permit;
            using var aborted = CancellationTokenSource.CreateLinkedTokenSource(permit.Ended, sender.Aborting);
            using var ended = permit.Ended.UnsafeRegister(static worker => ((SiteWorker)worker!).StopWaiting(), this);
            site.TryTake(out _current);
            var from = _current?.FirstHost(site.Target) ?? 0;
            while (_current is not null)
            {
                from = await RunConnectionAsync(permit, from, aborted.Token);
                if (from < 0)
                {
                    break;
                }
            }

            if (_current is { } left)
            {
                _current = null;
                site.PutBack(left);
            }
        }

        return null;
    }

    /// <summary>Opens a connection and uses it up.</summary>
    /// <returns>The host from which another is to be opened for the current message; negative: no other with this permit.</returns>
    private async Task<int> RunConnectionAsync(ConnectionPermit permit, int from, CancellationToken aborted)
    {
        var opening = await sender.Connector.OpenAsync(site.Target, from, permit, aborted);
        if (opening.Connection is not { } connection)
        {
            NotOpened(permit, opening, from);
            return -1;
        }

        permit.ReportSuccess();
        site.Opened();
        try
        {
            return await UseAsync(permit, connection, aborted);
        }
        finally
        {
            site.Reopens();
            await connection.CloseAsync();
        }
    }

    private async Task<int> UseAsync(ConnectionPermit permit, ServerConnection connection, CancellationToken aborted)
    {
        while (_current is { } attempt)
        {
            var turn = await permit.TakeMessageAsync(sender.Stopping);
            if (turn.Kind != MessageTurnKind.Send)
            {
                return EndTurn(turn);
            }

            var started = sender.Time.GetTimestamp();
            var step = await attempt.SendAsync(connection, site.Target, aborted);
            sender.Metrics.Sent(sender.Time.GetElapsedTime(started));
            var isNextHost = step == AttemptStep.NextHost && attempt.Sessions < sender.Options.MaxSessions && connection.HostIndex + 1 < site.Target.Hosts.Length;
            if (attempt.SiteFault is { } fault && !isNextHost)
            {
                permit.ReportFailure(fault);
            }

            switch (step)
            {
                case AttemptStep.OtherConnection:
                    return connection.HostIndex;
                case AttemptStep.NextHost when isNextHost:
                    return connection.HostIndex + 1;
                case AttemptStep.NotOurs:
                    attempt.ReportNotTried("the queue did not confirm the attempt", null);
                    break;
                case AttemptStep.Aborted:
                    attempt.ReportNotTried("the connection had to be given up", null, sender.Time.GetUtcNow());
                    break;
                default:
                    attempt.Report();
                    break;
            }

            Finish(attempt);
            _current = connection.Smtp.IsUsable && !sender.IsStopping && permit.MayStartMessage() ? await NextAsync() : null;
        }

        return -1;
    }

    /// <summary>The connection may send no more.</summary>
    private int EndTurn(MessageTurn turn)
    {
        if (turn.Kind == MessageTurnKind.Wait)
        {
            List<Attempt> late = [_current!, .. site.TakeAll()];
            _current = null;
            late.ForEach(attempt => Refuse(attempt, turn.Reason ?? "the site has had its messages for now", turn.NotBefore));
        }

        return -1;
    }

    private void NotOpened(ConnectionPermit permit, Opening opening, int from)
    {
        var (attempt, failure) = (_current!, opening.Failure!);
        if (failure.Cause == SmtpCause.Aborted || sender.IsStopping)
        {
            attempt.ReportNotTried("the connection had to be given up", null, sender.Time.GetUtcNow());
            Finish(attempt);
            return;
        }

        // A message that asks for more of TLS than others says nothing of the site.
        var isOwnWish = site.Key.Wish == Routing.TlsWish.Verified && failure.Stage == SmtpStage.StartTls;
        DateTimeOffset? siteUntil = null;
        if (from == 0 && !isOwnWish)
        {
            _failedAt = sender.Time.GetUtcNow();
            siteUntil = site.IsLive ? null : _failedAt + AfterFailure;
            sender.Log.NotOpened(site.Key.Site, opening.Host, failure.Text);
            permit.ReportFailure($"{opening.Host}: {failure.Text}");
        }

        List<Attempt> failed = isOwnWish ? [attempt, .. site.TakeAll()] : [attempt];
        foreach (var one in failed)
        {
            one.Finish(failure, opening.Host);
            one.Report(siteUntil);
            Finish(one);
        }
    }

    private async ValueTask<Attempt?> NextAsync()
    {
        if (site.TryTake(out var attempt))
        {
            return attempt;
        }

        Volatile.Write(ref _waitsSince, sender.Time.GetTimestamp());
        _waiting = new TaskCompletionSource<Attempt?>(TaskCreationOptions.RunContinuationsAsynchronously);
        return site.TakeOrWait(this) ?? await _waiting.Task;
    }

    private void Refuse(Attempt attempt, string reason, DateTimeOffset? until)
    {
        attempt.ReportNotTried(reason, until);
        site.Ended();
    }

    private void Finish(Attempt? attempt)
    {
        if (attempt is not null)
        {
            site.Ended();
            _current = null;
        }
    }
}
