using MailGrains.Gateways.Tls;
using MailGrains.Storage;
using MailGrains.Storage.Secrets;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Acme;

/// <summary>
/// The certificates that were ordered, as this process has them. A look costs a small row; what has changed is read one by one, and all of it only at the
/// start, or where more has changed than the row names. One that can't be read leaves its former one in place.
/// </summary>
public sealed partial class OrderedCertificates(StorageAccounts accounts, SecretSeal seal, ILogger<OrderedCertificates> logger)
{
    private readonly CertificateRows _rows = new(accounts, seal);
    private readonly SortedDictionary<string, (string ETag, LoadedCertificate Loaded)> _byKey = new(StringComparer.Ordinal);
    private CertificateChanges? _seen;

    /// <summary>In the order of their keys, so that of two for one name it is always the same.</summary>
    internal IReadOnlyList<LoadedCertificate> Current { get; private set; } = [];

    /// <summary>Takes what has changed since the last look; true: something has. One call at a time.</summary>
    /// <exception cref="StoreException">The store can't be read now; what has been taken stays.</exception>
    internal async Task<bool> RefreshAsync(CancellationToken cancellationToken)
    {
        // First the list, then the certificates: what changes meanwhile is read again at the next look.
        var changes = await _rows.ReadChangesAsync(cancellationToken);
        if (_seen is { } seen && seen.ETag == changes.ETag)
        {
            return false;
        }

        if (_seen is { } former && changes.Since(former.Number) is { } changed)
        {
            foreach (var key in changed)
            {
                await TakeOneAsync(key, cancellationToken);
            }
        }
        else
        {
            await TakeAllAsync(cancellationToken);
        }

        _seen = changes;
        Current = [.. _byKey.Values.Select(taken => taken.Loaded)];
        return true;
    }

    private async Task TakeAllAsync(CancellationToken cancellationToken)
    {
        var gone = _byKey.Keys.ToHashSet();
        await foreach (var (key, stored, why) in _rows.ListAsync(cancellationToken))
        {
            gone.Remove(key.ToString());
            if (stored is null)
            {
                LogKept(key.ToString(), why ?? "");
            }
            else
            {
                Take(key.ToString(), stored);
            }
        }

        foreach (var key in gone)
        {
            _byKey.Remove(key);
        }
    }

    private async Task TakeOneAsync(string key, CancellationToken cancellationToken)
    {
        StoredCertificate? stored;
        try
        {
            stored = await _rows.FindAsync(CertificateKey.Parse(key), cancellationToken);
        }
        catch (StoreException e) when (e.Failure == StoreFailure.Unreadable)
        {
            LogKept(key, e.Message);
            return;
        }

        Take(key, stored);
    }

    private void Take(string key, StoredCertificate? stored)
    {
        if (stored is null)
        {
            _byKey.Remove(key);
            return;
        }

        var hasFormer = _byKey.TryGetValue(key, out var former);
        if (stored.Record is not { Chain: { } chain, Key: { } privateKey } || (hasFormer && former.ETag == stored.Row.ETag))
        {
            return;
        }

        try
        {
            var loaded = LoadedCertificate.Parse(chain, privateKey, password: null, default);
            var isSame = hasFormer && IsSame(former.Loaded, loaded);
            _byKey[key] = (stored.Row.ETag, isSame ? former.Loaded : loaded);
            if (!isSame)
            {
                LogTaken(key, loaded.Names, loaded.NotAfter);
            }
        }
        catch (Exception e) when (LoadedCertificate.IsOfContent(e))
        {
            LogKept(key, e.Message);
        }
    }

    private static bool IsSame(LoadedCertificate one, LoadedCertificate other) =>
        one.Tls.Context.TargetCertificate.Thumbprint == other.Tls.Context.TargetCertificate.Thumbprint;

    [LoggerMessage(Level = LogLevel.Information, Message = "Certificate {Key} for {Names} is in use now; it expires on {NotAfter}")]
    private partial void LogTaken(string key, IReadOnlyList<string> names, DateTimeOffset notAfter);

    [LoggerMessage(Level = LogLevel.Warning, Message = "Certificate {Key} can't be used, the former one stays where there is one: {Why}")]
    private partial void LogKept(string key, string why);
}
