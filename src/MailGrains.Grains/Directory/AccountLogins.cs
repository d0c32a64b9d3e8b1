using MailGrains.Contracts;
using MailGrains.Contracts.Directory;
using MailGrains.Storage.Tables;

namespace MailGrains.Grains.Directory;

/// <summary>
/// The failures of one account, the addresses that have opened it, and when its app passwords were used: a row beside the account's, read once an
/// activation and written behind the answers, without a condition. A write that is lost forgives a failure, no more. An address that has opened
/// the account lately has a count of its own, so that strangers can't lock the owner out.
/// </summary>
internal sealed class AccountLogins(
    DirectoryTable table, string partition, string row, string account, UnknownAccounts unknown, LockoutOptions options, TimeProvider time)
{
    private StoredLogins? _stored;
    private bool _isLoaded;
    private bool _isDirty;
    private Task _writing = Task.CompletedTask;

    /// <summary>All that was noted before is written, or lost.</summary>
    public Task WrittenAsync() => _writing;

    public async ValueTask LoadAsync(CancellationToken cancellationToken)
    {
        if (!_isLoaded)
        {
            var read = await table.ReadAsync(partition, row, StoredJson.Readable.StoredLogins, cancellationToken);
            if (!_isLoaded)
            {
                (_stored, _isLoaded) = (read?.Value, true);
            }
        }
    }

    /// <summary>The answer while the account is locked for the peer, else null.</summary>
    /// <param name="mailbox">Null: there is no such account.</param>
    public LoginOutcome? Refusal(string? mailbox, string peer) =>
        FailuresOf(mailbox, peer) is var failures && failures.IsLocked(time.GetUtcNow())
            ? LoginOutcome.Refuse(LoginStatus.Locked, options.MaxDelay, failures.LockedUntil)
            : null;

    /// <returns>How long the client is to wait.</returns>
    public TimeSpan Fail(string? mailbox, string peer)
    {
        var failures = FailuresOf(mailbox, peer).Fail(time.GetUtcNow(), peer, options.AccountFailures, options);
        if (mailbox is null)
        {
            unknown.Keep(account, failures);
        }
        else if (KnownPeer(mailbox, peer) is { } known)
        {
            Save(Of(mailbox) with { Peers = [.. Of(mailbox).Peers.Where(p => p != known), known with { Failures = failures }] });
        }
        else
        {
            Save(Of(mailbox) with { Strangers = failures });
        }

        return failures.Delay(options);
    }

    public void Succeed(string mailbox, string peer, string? appPassword)
    {
        var today = DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime);
        var (before, next) = (Of(mailbox), Of(mailbox));
        if (before.Peers.FirstOrDefault(p => p.Peer == peer) is not { } known || known.LastLogin != today || known.Failures is not null)
        {
            var others = before.Peers.Where(p => p.Peer != peer).OrderByDescending(p => p.LastLogin).Take(options.KnownPeers - 1);
            next = next with { Peers = [.. others, new StoredPeer(peer, today, null)] };
        }

        if (appPassword is not null && (before.Used is null || !before.Used.TryGetValue(appPassword, out var used) || used != today))
        {
            next = next with { Used = new Dictionary<string, DateOnly>(before.Used ?? []) { [appPassword] = today } };
        }

        if (next != before)
        {
            Save(next);
        }
    }

    public DateOnly? LastUsed(string mailbox, string appPassword) =>
        Of(mailbox).Used is { } used && used.TryGetValue(appPassword, out var day) ? day : null;

    public void ForgetAppPassword(string mailbox, string appPassword)
    {
        if (LastUsed(mailbox, appPassword) is not null)
        {
            Save(Of(mailbox) with { Used = Of(mailbox).Used!.Where(u => u.Key != appPassword).ToDictionary() });
        }
    }

    /// <summary>The count that stands worst.</summary>
    public LockoutState Describe(string? mailbox)
    {
        var now = time.GetUtcNow();
        var counts = mailbox is null
            ? [unknown.Find(account)]
            : Of(mailbox).Peers.Select(p => p.Failures).OfType<LoginFailures>().Prepend(Of(mailbox).Strangers);
        return counts.OrderByDescending(c => c.IsLocked(now)).ThenByDescending(c => c.CountAt(now, options)).First()
            .Describe(now, options, "to this account");
    }

    public void Lift(string? mailbox)
    {
        unknown.Forget(account);
        if (mailbox is not null)
        {
            Save(Of(mailbox) with { Strangers = LoginFailures.None, Peers = [.. Of(mailbox).Peers.Select(p => p with { Failures = null })] });
        }
    }

    /// <summary>What is noted belongs to a mailbox: one made again under the same name starts without.</summary>
    private StoredLogins Of(string mailbox) => _stored?.Mailbox == mailbox ? _stored : new StoredLogins(mailbox, LoginFailures.None, []);

    private StoredPeer? KnownPeer(string mailbox, string peer) =>
        Of(mailbox).Peers.FirstOrDefault(p => p.Peer == peer) is { } known &&
        known.LastLogin.AddDays(options.KnownPeerDays) >= DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime)
            ? known
            : null;

    private LoginFailures FailuresOf(string? mailbox, string peer) => mailbox is null
        ? unknown.Find(account)
        : KnownPeer(mailbox, peer) is { } known ? known.Failures ?? LoginFailures.None : Of(mailbox).Strangers;

    private void Save(StoredLogins logins)
    {
        (_stored, _isDirty) = (logins, true);
        if (_writing.IsCompleted)
        {
            _writing = WriteAsync();
        }
    }

    private async Task WriteAsync()
    {
        while (_isDirty)
        {
            _isDirty = false;
            try
            {
                var properties = DirectoryTable.Encode(_stored!, StoredJson.Readable.StoredLogins, 0);
                await table.CommitAsync(partition, [TableOperation.Upsert(row, properties)], CancellationToken.None);
            }
            catch (StoreUnavailableException)
            {
                // The next failure writes all of it again.
                return;
            }
        }
    }
}
