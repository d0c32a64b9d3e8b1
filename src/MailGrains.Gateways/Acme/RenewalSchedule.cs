using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using MailGrains.Gateways.Acme.Protocol;

namespace MailGrains.Gateways.Acme;

/// <summary>
/// When a certificate is ordered: facts in, times out. It is renewed at a third of its life, or where the authority says; after failures ever later, spread by
/// name. Whatever happens, an operator's wish too, the limits of Let's Encrypt hold for each: five failures an hour, five equal certificates a week.
/// </summary>
internal static class RenewalSchedule
{
    private const int MostAttempts = 4;
    private const int MostIssued = 4;
    private const int LifeParts = 3;

    /// <summary>Of its life, when operators are to know.</summary>
    private const int EndingPart = 6;

    private static readonly TimeSpan AttemptsWithin = TimeSpan.FromHours(1);
    private static readonly TimeSpan IssuedWithin = TimeSpan.FromDays(7);
    private static readonly TimeSpan FirstWait = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan LongestWait = TimeSpan.FromDays(1);

    /// <summary>An authority that gives no answer has counted nothing.</summary>
    private static readonly TimeSpan LongestOutage = TimeSpan.FromHours(1);

    /// <summary>An order whose silo was lost is gone on with after this time.</summary>
    private static readonly TimeSpan LostAfter = TimeSpan.FromMinutes(2);

    private static readonly TimeSpan FailsFor = TimeSpan.FromHours(1);
    private static readonly TimeSpan LeastLimit = TimeSpan.FromHours(1);
    private static readonly TimeSpan LeastAsk = TimeSpan.FromHours(1);
    private static readonly TimeSpan UsualAsk = TimeSpan.FromHours(6);
    private static readonly TimeSpan MostAsk = TimeSpan.FromDays(1);

    /// <param name="names">What it is to be for now.</param>
    public static bool IsDue(CertificateKey key, CertificateRecord record, IReadOnlyList<string> names, bool isWanted, DateTimeOffset now) =>
        MayTry(record, now) &&
        (isWanted || (now >= record.NextTry && (record.Chain is null || now >= RenewAt(key, record) || names.Except(record.Names).Any())));

    /// <summary>The authority's limits leave room for an order.</summary>
    public static bool MayTry(CertificateRecord record, DateTimeOffset now) =>
        record.Attempts.Count(at => at > now - AttemptsWithin) < MostAttempts && record.Issued.Count(at => at > now - IssuedWithin) < MostIssued;

    /// <summary>Null: there is no certificate yet.</summary>
    public static DateTimeOffset? RenewAt(CertificateKey key, CertificateRecord record)
    {
        if (record.SuggestedRenewal is { } suggested)
        {
            return suggested;
        }

        if (record is not { NotBefore: { } from, NotAfter: { } to })
        {
            return null;
        }

        // Those that were issued on one day are not renewed in one.
        var life = to - from;
        return to - life / LifeParts - life / 30 * Share(key, from.ToUnixTimeSeconds());
    }

    /// <summary>Orders have failed for so long that operators are to know.</summary>
    public static bool IsFailing(CertificateRecord record, DateTimeOffset now) => record.FailingSince <= now - FailsFor;

    /// <summary>It should have been renewed long ago. A tenant's that nothing fails for has names that do not lead here any more: it is to end.</summary>
    public static bool IsEnding(CertificateKey key, CertificateRecord record, DateTimeOffset now) =>
        (key.IsService || record.FailingSince is not null) &&
        record is { NotBefore: { } from, NotAfter: { } to } && to - now < (to - from) / EndingPart;

    public static DateTimeOffset NextOrder(CertificateKey key, CertificateRecord record) =>
        RenewAt(key, record) is { } renew && renew > record.NextTry ? renew : record.NextTry;

    /// <summary>An order begins; where nothing more is heard of it, it counts as failed.</summary>
    public static CertificateRecord Began(CertificateRecord record, DateTimeOffset now) => record with
    {
        NextTry = now + LostAfter,
        Attempts = [.. record.Attempts.Where(at => at > now - AttemptsWithin), now],
    };

    /// <param name="began">When the order began.</param>
    public static CertificateRecord Succeeded(CertificateRecord record, DateTimeOffset began, DateTimeOffset now) => record with
    {
        NextTry = now,
        FailingSince = null,
        LastError = null,
        Tries = 0,
        Pending = null,
        SuggestedRenewal = null,
        AskRenewalAt = null,
        Attempts = [.. record.Attempts.Where(at => at != began)],
        Issued = [.. record.Issued.Where(at => at > now - IssuedWithin), now],
    };

    public static CertificateRecord Failed(CertificateKey key, CertificateRecord record, AcmeException failure, DateTimeOffset now)
    {
        var wait = FirstWait;
        for (var i = 0; i < record.Tries && wait < LongestWait; i++)
        {
            wait *= 2;
        }

        var longest = failure.Kind == AcmeException.NoAnswer ? LongestOutage : LongestWait;
        wait = wait < longest ? wait : longest;
        if (failure.Kind == AcmeException.RateLimited)
        {
            var limit = failure.RetryAfter ?? LeastLimit;
            wait = wait > limit ? wait : limit;
        }

        return record with
        {
            NextTry = now + wait * (1 + Share(key, now.ToUnixTimeSeconds()) / 5),
            FailingSince = record.FailingSince ?? now,
            LastError = failure.Message,
            Tries = record.Tries + 1,

            // An order that an authority would not go on with is not asked for again and again; one whose answer was lost is.
            Pending = failure.Kind == AcmeException.NoAnswer && record.Tries == 0 ? record.Pending : null,
        };
    }

    /// <summary>What the authority says of when to renew (RFC 9773 §4.2); null: nothing.</summary>
    public static CertificateRecord Advised(
        CertificateKey key, CertificateRecord record, (AcmeWindow Window, TimeSpan? AskAgainAfter)? advice, DateTimeOffset now)
    {
        var wait = advice?.AskAgainAfter ?? UsualAsk;
        var asked = record with { AskRenewalAt = now + (wait < LeastAsk ? LeastAsk : wait > MostAsk ? MostAsk : wait) };
        return advice is { Window: var window }
            ? asked with { SuggestedRenewal = window.Start + (window.End - window.Start) * Share(key, window.Start.ToUnixTimeSeconds()) }
            : asked;
    }

    /// <summary>From 0 to 1, always the same for the same: what is spread does not move at each look.</summary>
    private static double Share(CertificateKey key, long salt) =>
        BinaryPrimitives.ReadUInt32LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes($"{key} {salt}"))) / (double)uint.MaxValue;
}
