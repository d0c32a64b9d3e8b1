using System.Security.Cryptography.X509Certificates;
using MailGrains.Contracts.Directory;
using MailGrains.Gateways.Acme.Protocol;
using MailGrains.Gateways.Tls;
using MailGrains.Storage;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Acme;

/// <summary>
/// One look at what is due, on the grain's scheduler. What is found is ordered, so many at a time; one that fails does not hold up the others, and one
/// that another activation has taken is left to it. May be stopped anywhere.
/// </summary>
/// <param name="wanted">What is ordered whether it is due or not.</param>
internal sealed partial class CertificateRun(
    CertificateParts parts, IGrainFactory grains, TimeProvider time, ILogger<CertificateGrain> logger, IReadOnlySet<CertificateKey> wanted) : IDisposable
{
    private const int ChecksAtOnce = 8;
    private const int MaxAdvice = 50;

    /// <summary>Limits that the authority has named, after which a run orders nothing more: one may be of one domain only.</summary>
    private const int MaxLimits = 2;

    private readonly Dictionary<CertificateKey, StoredCertificate> _stored = [];
    private readonly Dictionary<CertificateKey, ListedCertificate> _unreadable = [];
    private readonly HashSet<CertificateKey> _settled = [];
    private readonly SemaphoreSlim _slots = new(parts.Options.Parallelism);
    private readonly HashSet<CertificateKey> _begun = [];
    private readonly List<Task> _running = [];
    private Task<AcmeClient>? _client;
    private int _orders;
    private int _limits;
    private int _putOff;

    private bool IsFull => _limits >= MaxLimits || _orders >= parts.Options.MaxOrders;

    private string Directory => parts.Options.Directory!.OriginalString;

    /// <summary>Processes could not be told of a change: they are to look at all.</summary>
    public bool MustTellAll { get; private set; }

    /// <summary>Some were due and could not be ordered.</summary>
    public bool HasPutOff { get; private set; }

    /// <summary>All certificates have been read, but those that can't be.</summary>
    public bool HasListed { get; private set; }

    /// <summary>All that there are, as the run left them.</summary>
    public IEnumerable<ListedCertificate> Seen => _stored.Values.Select(stored => new ListedCertificate(stored.Key, stored, null)).Concat(_unreadable.Values);

    /// <summary>Of what is wanted, that whose order was begun, or that no order can come of.</summary>
    public IReadOnlySet<CertificateKey> Settled => _settled;

    /// <param name="walk">Of the domains that may have no certificate yet: gone on with as far as time and orders allow; null: none.</param>
    public async Task RunAsync(DomainWalk? walk, CancellationToken cancellationToken)
    {
        try
        {
            await LookAsync(walk, cancellationToken);
        }
        finally
        {
            // Also where the walk has failed: nothing goes on behind the end of a run.
            await Task.WhenAll(_running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            if (HasListed)
            {
                await CloseAsync(cancellationToken);
            }
        }
    }

    public void Dispose()
    {
        _slots.Dispose();
        if (_client is { IsCompletedSuccessfully: true } client)
        {
            client.Result.Dispose();
        }
    }

    private async Task CloseAsync(CancellationToken cancellationToken)
    {
        if (_putOff > 0)
        {
            LogPutOff(_putOff);
        }

        await DropExpiredAsync(cancellationToken);
        parts.Metrics.Saw([.. _stored.Values.Select(stored => stored.Record)], time.GetUtcNow());
    }

    private async Task LookAsync(DomainWalk? walk, CancellationToken cancellationToken)
    {
        await parts.Challenges.SweepAsync(cancellationToken);
        await foreach (var listed in parts.Rows.ListAsync(cancellationToken))
        {
            if (listed.Stored is { } certificate)
            {
                _stored[listed.Key] = certificate;
            }
            else
            {
                _unreadable[listed.Key] = listed;
            }
        }

        HasListed = true;
        await DropForgottenAsync(cancellationToken);
        await AskAdviceAsync(cancellationToken);
        foreach (var name in parts.Options.Names)
        {
            await BeginAsync(new CertificateKey("", name), cancellationToken);
        }

        // Renewals before what is new; whether they lead here is asked only of those that are due.
        var now = time.GetUtcNow();
        foreach (var stored in _stored.Values.Where(stored => !stored.Key.IsService && IsDue(stored.Key, stored.Record, stored.Record.Names, now))
            .OrderBy(stored => stored.Record.NotAfter ?? DateTimeOffset.MaxValue).ToList())
        {
            await BeginAsync(stored.Key, cancellationToken);
        }

        _settled.UnionWith(wanted.Except(_begun));

        if (walk is not null)
        {
            await WalkAsync(walk, cancellationToken);
        }

        await Task.WhenAll(_running);
    }

    /// <summary>Domains that were deleted, or belong to another tenant now, lose their certificate.</summary>
    private async Task WalkAsync(DomainWalk walk, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        await foreach (var key in walk.GoOnAsync(cancellationToken))
        {
            await BeginAsync(key, cancellationToken);
            if (IsFull || time.GetElapsedTime(started) > parts.Options.WalkLimit)
            {
                return;
            }
        }

        foreach (var gone in _stored.Values
            .Where(stored => !stored.Key.IsService && !walk.Seen.Contains(stored.Key) && !walk.Unread.Contains(stored.Key.Tenant)).ToList())
        {
            try
            {
                if (await grains.GetGrain<ITenantGrain>(gone.Key.Tenant).FindDomainAsync(gone.Key.Name, cancellationToken) is null)
                {
                    await DropAsync(gone, cancellationToken);
                }
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                LogBroken(e, gone.Key);
            }
        }
    }

    private bool IsDue(CertificateKey key, CertificateRecord record, IReadOnlyList<string> names, DateTimeOffset now) =>
        RenewalSchedule.IsDue(key, record, names, wanted.Contains(key), now, Directory);

    private async Task BeginAsync(CertificateKey key, CancellationToken cancellationToken)
    {
        if (_unreadable.ContainsKey(key) || !_begun.Add(key))
        {
            return;
        }

        _running.RemoveAll(task => task.IsCompletedSuccessfully);
        while (_running.Count >= ChecksAtOnce + parts.Options.Parallelism)
        {
            _running.Remove(await Task.WhenAny(_running));
        }

        _running.Add(ConsiderAsync(key, cancellationToken));
    }

    private async Task ConsiderAsync(CertificateKey key, CancellationToken cancellationToken)
    {
        try
        {
            var stored = _stored.GetValueOrDefault(key);
            var record = stored?.Record ?? new CertificateRecord();

            // What can't be due whatever DNS says costs no question.
            if (!IsDue(key, record, key.Candidates(), time.GetUtcNow()))
            {
                _settled.Add(key);
                return;
            }

            if (await NamesAsync(key, record, cancellationToken) is not { } names)
            {
                return;
            }

            if (names.Count == 0)
            {
                _settled.Add(key);
                await (key.IsService ? SayElsewhereAsync(key, stored, cancellationToken) : LeaveAsync(stored, cancellationToken));
            }
            else if (IsDue(key, record, names, time.GetUtcNow()))
            {
                await OrderAsync(key, names, stored, cancellationToken);
            }
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Of one certificate; the next run tries it again.
            LogBroken(e, key);
        }
    }

    /// <summary>The names that lead here; null: it can't be known now.</summary>
    private async Task<IReadOnlyList<string>?> NamesAsync(CertificateKey key, CertificateRecord record, CancellationToken cancellationToken)
    {
        if (key.IsService && parts.Options.PublicAddresses.Count == 0)
        {
            return [key.Name];
        }

        var names = new List<string>();
        foreach (var name in key.Candidates())
        {
            if (!key.IsService &&
                (parts.Options.Names.Contains(name) || await IsForeignAsync(name, key.Tenant, cancellationToken)))
            {
                continue;
            }

            switch (await parts.Names.CheckAsync(name, cancellationToken))
            {
                case NameOutcome.Here:
                    names.Add(name);
                    break;
                case NameOutcome.Unknown when key.IsService || record.Names.Contains(name):
                    LogUnknown(key, name);
                    return null;
            }
        }

        return names;
    }

    /// <summary>Whether the name is a hosted domain of another tenant than this: then it is not this one's to have a certificate for.</summary>
    private async Task<bool> IsForeignAsync(string name, string tenant, CancellationToken cancellationToken) =>
        await grains.GetGrain<IDomainGrain>(name).FindAsync(cancellationToken) is { } record && record.Tenant != tenant;

    private async Task SayElsewhereAsync(CertificateKey key, StoredCertificate? stored, CancellationToken cancellationToken)
    {
        const string Elsewhere = "In DNS the name does not lead to this service, or not only";
        var record = stored?.Record ?? new CertificateRecord { Names = [key.Name] };
        if (record.LastError == Elsewhere)
        {
            return;
        }

        LogElsewhere(key.Name);
        if (await parts.Rows.TryWriteAsync(
            stored, key, record with { LastError = Elsewhere, FailingSince = record.FailingSince ?? time.GetUtcNow() }, cancellationToken) is { } written)
        {
            _stored[key] = written;
        }
    }

    /// <summary>A tenant points its names where it likes: nothing fails, and what there is is used to its end.</summary>
    private async Task LeaveAsync(StoredCertificate? stored, CancellationToken cancellationToken)
    {
        if (stored is { Record.Chain: null })
        {
            await DropAsync(stored, cancellationToken);
        }
        else if (stored is { Record: { } record } && (record.ElsewhereSince is null || record.LastError is not null || record.FailingSince is not null) &&
            await parts.Rows.TryWriteAsync(stored, stored.Key, RenewalSchedule.Left(record, time.GetUtcNow()), cancellationToken) is { } written)
        {
            _stored[stored.Key] = written;
        }
    }

    private async Task AskAdviceAsync(CancellationToken cancellationToken)
    {
        var now = time.GetUtcNow();
        foreach (var stored in _stored.Values.Where(stored => IsToBeAskedFor(stored, now)).Take(MaxAdvice).ToList())
        {
            if (LeafOf(stored.Record) is not { } leaf)
            {
                continue;
            }

            using var disposed = leaf;
            try
            {
                var client = await ClientAsync(cancellationToken);
                var advice = await client.RenewalWindowAsync(leaf, cancellationToken);
                var advised = RenewalSchedule.Advised(stored.Key, stored.Record, advice, now);
                if (await parts.Rows.TryWriteAsync(stored, stored.Key, advised, cancellationToken) is { } written)
                {
                    _stored[stored.Key] = written;
                }
            }
            catch (Exception e) when (e is AcmeException or StoreException)
            {
                LogNoAdvice(e.Message);
                return;
            }
            catch (Exception e) when (!cancellationToken.IsCancellationRequested)
            {
                LogBroken(e, stored.Key);
            }
        }
    }

    private bool IsToBeAskedFor(StoredCertificate stored, DateTimeOffset now) =>
        stored.Record.Chain is not null && !(stored.Record.AskRenewalAt > now) && parts.Options.IsFor(stored.Key) &&
        !RenewalSchedule.IsOfAnother(stored.Record.Directory, Directory);

    /// <summary>The certificate that there is; null: none, or none that can be read.</summary>
    private static X509Certificate2? LeafOf(CertificateRecord record)
    {
        try
        {
            return record.Chain is { } chain ? X509Certificate2.CreateFromPem(chain) : null;
        }
        catch (Exception e) when (LoadedCertificate.IsOfContent(e))
        {
            return null;
        }
    }

    /// <summary>A name that is not configured any more, and that nothing was issued for.</summary>
    private async Task DropForgottenAsync(CancellationToken cancellationToken)
    {
        foreach (var stored in _stored.Values.Where(stored => !parts.Options.IsFor(stored.Key) && stored.Record.Chain is null).ToList())
        {
            await DropAsync(stored, cancellationToken);
        }
    }

    private async Task DropExpiredAsync(CancellationToken cancellationToken)
    {
        // Nobody renews them any more, and a client is better off with another than with these.
        var now = time.GetUtcNow();
        foreach (var stored in _stored.Values.Where(stored => stored.Record.NotAfter < now &&
            (!parts.Options.IsFor(stored.Key) || stored.Record is { FailingSince: null, Tries: 0 })).ToList())
        {
            await DropAsync(stored, cancellationToken);
        }
    }

    private async Task DropAsync(StoredCertificate certificate, CancellationToken cancellationToken)
    {
        if (await parts.Rows.TryDeleteAsync(certificate, cancellationToken))
        {
            _stored.Remove(certificate.Key);
            LogDropped(certificate.Key);
            await TellAsync(certificate.Key, cancellationToken);
        }
    }

    private async Task TellAsync(CertificateKey key, CancellationToken cancellationToken)
    {
        try
        {
            await parts.Rows.TellAsync(key, cancellationToken);
        }
        catch
        {
            MustTellAll = true;
            throw;
        }
    }

    private Task<AcmeClient> ClientAsync(CancellationToken cancellationToken) => _client ??= OpenAsync(cancellationToken);

    private async Task<AcmeClient> OpenAsync(CancellationToken cancellationToken)
    {
        var options = parts.Options;
        var key = await parts.Rows.AccountKeyAsync(options.Directory!, cancellationToken);
        return await AcmeClient.OpenAsync(options.Directory!, key, options.Contact, options.TrustedRoot, time, cancellationToken);
    }
}
