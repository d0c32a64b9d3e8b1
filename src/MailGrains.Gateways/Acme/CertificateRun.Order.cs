using System.Security.Cryptography.X509Certificates;
using MailGrains.Gateways.Acme.Protocol;
using MailGrains.Storage;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Acme;

internal sealed partial class CertificateRun
{
    private async Task OrderAsync(CertificateKey key, IReadOnlyList<string> names, StoredCertificate? stored, CancellationToken cancellationToken)
    {
        await _slots.WaitAsync(cancellationToken);
        try
        {
            var isNew = stored is null;
            if (IsFull || (isNew && _stored.Count >= parts.Options.MaxCertificates))
            {
                HasPutOff |= IsFull;
                _putOff++;
                return;
            }

            _orders++;
            var began = time.GetUtcNow();
            var record = RenewalSchedule.Began(stored?.Record ?? new CertificateRecord { Names = names }, began);
            if (RenewalSchedule.IsOfAnother(record.Pending?.Directory, Directory))
            {
                record = record with { Pending = null };
            }

            _settled.Add(key);
            if (await parts.Rows.TryWriteAsync(stored, key, record, cancellationToken) is { } current)
            {
                _stored[key] = current;
                LogOrdered(key, names);
                if (await OrderAsync(current, names, began, null, cancellationToken) is { } rest)
                {
                    await OrderRestAsync(key, rest, cancellationToken);
                }
            }
            else
            {
                LogTaken(key);
            }
        }
        finally
        {
            _slots.Release();
        }
    }

    /// <summary>One name that is refused does not hold up the others, where a certificate for these is worth an order.</summary>
    private async Task OrderRestAsync(CertificateKey key, IReadOnlyList<string> rest, CancellationToken cancellationToken)
    {
        var (refused, began) = (_stored[key], time.GetUtcNow());
        if (IsFull || !IsDue(key, refused.Record with { NextTry = began }, rest, began))
        {
            return;
        }

        _orders++;
        if (await parts.Rows.TryWriteAsync(refused, key, RenewalSchedule.Began(refused.Record, began), cancellationToken) is { } current)
        {
            _stored[key] = current;
            LogOrdered(key, rest);
            await OrderAsync(current, rest, began, refused.Record, cancellationToken);
        }
    }

    /// <param name="refused">The record after one of the names was refused, where these are the rest; null: these are all.</param>
    /// <returns>The names that nothing was said against, where one was refused; null: it went well, or all failed.</returns>
    private async Task<IReadOnlyList<string>?> OrderAsync(
        StoredCertificate current, IReadOnlyList<string> names, DateTimeOffset began, CertificateRecord? refused, CancellationToken cancellationToken)
    {
        var key = current.Key;
        var tokens = new List<string>();
        try
        {
            var client = await ClientAsync(cancellationToken);
            using var former = LeafOf(current.Record);
            var issued = await new CertificateOrder(client, new OrderSteps(PublishAsync, KeepAsync), time)
                .IssueAsync(names, current.Record.Pending, former, cancellationToken);
            var now = time.GetUtcNow();
            var succeeded = refused is null
                ? RenewalSchedule.Succeeded(current.Record, began, now)
                : RenewalSchedule.SucceededPartly(current.Record, refused, began, now);
            await TakeAsync(current, succeeded, names, issued, cancellationToken);
            return null;
        }
        catch (AcmeException e)
        {
            parts.Metrics.Failed(e.Kind);
            _limits += e.Kind == AcmeException.RateLimited ? 1 : 0;
            var failed = RenewalSchedule.Failed(key, current.Record, e, time.GetUtcNow());
            LogFailed(key, names, e.Message, failed.NextTry);
            var written = await parts.Rows.TryWriteAsync(current, key, failed, cancellationToken);
            _stored[key] = written ?? current;
            return written is not null && e.Kind != AcmeException.RateLimited && e.Identifier is { } name && names.Count > 1 && names.Contains(name)
                ? [.. names.Where(other => other != name)]
                : null;
        }
        finally
        {
            await RemoveAsync(tokens);
        }

        async Task PublishAsync(IReadOnlyDictionary<string, string> answers, CancellationToken cancel)
        {
            tokens.AddRange(answers.Keys);
            foreach (var (token, answer) in answers)
            {
                await parts.Challenges.PublishAsync(token, answer, cancel);
            }

            // A process that is flooded with tokens has read them by then.
            await Task.Delay(ChallengeAnswers.ReadingPeriod * 1.5, time, cancel);
        }

        async Task KeepAsync(PendingOrder order, CancellationToken cancel) =>
            current = await parts.Rows.TryWriteAsync(current, key, current.Record with { Pending = order with { Directory = Directory } }, cancel)
                ?? throw new StoreException(StoreFailure.Unavailable, $"Another activation has taken the certificate '{key}'.");
    }

    private async Task TakeAsync(
        StoredCertificate current, CertificateRecord succeeded, IReadOnlyList<string> names, IssuedCertificate issued, CancellationToken cancellationToken)
    {
        using var leaf = X509Certificate2.CreateFromPem(issued.Chain);
        var record = succeeded with
        {
            Names = names,
            Chain = issued.Chain,
            Key = issued.Key,
            Directory = Directory,
            NotBefore = leaf.NotBefore.ToUniversalTime(),
            NotAfter = leaf.NotAfter.ToUniversalTime(),
        };
        if (await parts.Rows.TryWriteAsync(current, current.Key, record, cancellationToken) is not { } written)
        {
            LogTaken(current.Key);
            return;
        }

        _stored[current.Key] = written;
        parts.Metrics.Issued();
        LogIssued(current.Key, names, record.NotAfter!.Value);
        await TellAsync(current.Key, cancellationToken);
    }

    private async Task RemoveAsync(List<string> tokens)
    {
        try
        {
            foreach (var token in tokens)
            {
                await parts.Challenges.RemoveAsync(token, CancellationToken.None);
            }
        }
        catch (StoreException e)
        {
            // They are swept away in a day.
            LogLeft(e.Message);
        }
    }

    [LoggerMessage(1, LogLevel.Information, "Certificate {Key} for {Names} was issued; it expires on {NotAfter}")]
    private partial void LogIssued(CertificateKey key, IReadOnlyList<string> names, DateTimeOffset notAfter);

    [LoggerMessage(2, LogLevel.Warning, "Certificate {Key} for {Names} was not issued, it is tried again after {NextTry}: {Why}")]
    private partial void LogFailed(CertificateKey key, IReadOnlyList<string> names, string why, DateTimeOffset nextTry);

    [LoggerMessage(3, LogLevel.Warning, "Certificate {Key} could not be looked at; the next run tries it again")]
    private partial void LogBroken(Exception e, CertificateKey key);

    [LoggerMessage(4, LogLevel.Information, "Certificate {Key} is another activation's")]
    private partial void LogTaken(CertificateKey key);

    [LoggerMessage(5, LogLevel.Information, "{Certificates} certificates wait for a later run: there are more than one may order, or than are kept, or the authority is at its limit")]
    private partial void LogPutOff(int certificates);

    [LoggerMessage(6, LogLevel.Information, "Certificate {Key} was dropped: its domain has gone, its names lead elsewhere before it was issued, or it has expired and nobody renews it")]
    private partial void LogDropped(CertificateKey key);

    [LoggerMessage(7, LogLevel.Warning, "No certificate is ordered for {Name}: in DNS it does not lead to this service, or not only")]
    private partial void LogElsewhere(string name);

    [LoggerMessage(8, LogLevel.Information, "The authority could not be asked when to renew: {Why}")]
    private partial void LogNoAdvice(string why);

    [LoggerMessage(10, LogLevel.Information, "Certificate {Key} is being ordered for {Names}")]
    private partial void LogOrdered(CertificateKey key, IReadOnlyList<string> names);

    [LoggerMessage(11, LogLevel.Warning, "Certificate {Key} is not ordered now: DNS does not tell where {Name} leads")]
    private partial void LogUnknown(CertificateKey key, string name);

    [LoggerMessage(9, LogLevel.Information, "Answers to challenges could not be removed: {Why}")]
    private partial void LogLeft(string why);
}
