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
    private const int MostMisses = 6;

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
    /// <param name="directory">Of the authority that is to issue it; null: whichever did is right.</param>
    public static bool IsDue(
        CertificateKey key, CertificateRecord record, IReadOnlyList<string> names, bool isWanted, DateTimeOffset now, string? directory = null) =>
        MayTry(record, now) &&
        (isWanted || (now >= record.NextTry &&
            (record.Chain is null || now >= RenewAt(key, record) || names.Except(record.Names).Any() || IsOfAnother(record.Directory, directory))));

    /// <summary>False also where one of them is not known.</summary>
    public static bool IsOfAnother(string? directory, string? wanted) => directory is not null && wanted is not null && directory != wanted;

    /// <summary>The authority's limits leave room for an order.</summary>
    public static bool MayTry(CertificateRecord record, DateTimeOffset now) =>
        record.Attempts.Count(at => at > now - AttemptsWithin) < MostAttempts && record.Issued.Count(at => at > now - IssuedWithin) < MostIssued;

    /// <summary>Null: there is no certificate yet.</summary>
    public static DateTimeOffset? RenewAt(CertificateKey key, CertificateRecord record)
    {
        if (record is not { NotBefore: { } from, NotAfter: { } to })
        {
            return record.SuggestedRenewal;
        }

        var life = to - from;
        if (record.SuggestedRenewal is { } suggested)
        {
            // An authority that is wrong about the end does not let it come.
            var last = to - life / EndingPart;
            return suggested < last ? suggested : last;
        }

        // Those that were issued on one day are not renewed in one.
        return to - life / LifeParts - life / 30 * Share(key, from.ToUnixTimeSeconds());
    }

    /// <summary>Orders have failed for so long that operators are to know.</summary>
    public static bool IsFailing(CertificateRecord record, DateTimeOffset now) => record.FailingSince <= now - FailsFor;

    /// <summary>It should have been renewed long ago; that of a tenant whose names do not lead here any more is to end.</summary>
    public static bool IsEnding(CertificateKey key, CertificateRecord record, DateTimeOffset now) =>
        (key.IsService || record.ElsewhereSince is null) &&
        record is { NotBefore: { } from, NotAfter: { } to } && to - now < (to - from) / EndingPart;

    public static DateTimeOffset NextOrder(CertificateKey key, CertificateRecord record) =>
        RenewAt(key, record) is { } renew && renew > record.NextTry ? renew : record.NextTry;

    /// <summary>An order begins; where nothing more is heard of it, it counts as failed.</summary>
    public static CertificateRecord Began(CertificateRecord record, DateTimeOffset now) => record with
    {
        NextTry = now + LostAfter,
        ElsewhereSince = null,
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

    /// <summary>As <see cref="Succeeded"/>, for what is left of the names after one was refused: that one is tried again as after a failure.</summary>
    /// <param name="refused">What the record was after the refusal.</param>
    public static CertificateRecord SucceededPartly(CertificateRecord record, CertificateRecord refused, DateTimeOffset began, DateTimeOffset now) =>
        Succeeded(record, began, now) with
        {
            NextTry = refused.NextTry,
            FailingSince = refused.FailingSince,
            LastError = refused.LastError,
            Tries = refused.Tries,
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

        return Missed(record, failure, now) with
        {
            NextTry = now + wait * (1 + Share(key, now.ToUnixTimeSeconds()) / 5),
            FailingSince = record.FailingSince ?? now,
            LastError = failure.Message,
            Tries = record.Tries + 1,
        };
    }

    /// <summary>The names lead elsewhere: nothing fails for them, and nothing is to come of them.</summary>
    public static CertificateRecord Left(CertificateRecord record, DateTimeOffset now) => record with
    {
        ElsewhereSince = record.ElsewhereSince ?? now,
        FailingSince = null,
        LastError = null,
        Tries = 0,
        Pending = null,
    };

    // An order that an authority would not go on with is not asked for again; one of which nothing was heard is, some times. What becomes of it then
    // is not known: it counts as issued.
    private static CertificateRecord Missed(CertificateRecord record, AcmeException failure, DateTimeOffset now) => (record.Pending, failure.Kind) switch
    {
        (null, _) or (_, AcmeException.RateLimited) => record,
        ({ Misses: < MostMisses } pending, AcmeException.NoAnswer) => record with { Pending = pending with { Misses = pending.Misses + 1 } },
        (_, AcmeException.NoAnswer) => record with { Pending = null, Issued = [.. record.Issued.Where(at => at > now - IssuedWithin), now] },
        _ => record with { Pending = null },
    };

    /// <summary>What the authority says of when to renew (RFC 9773 §4.2); null: nothing.</summary>
    public static CertificateRecord Advised(
        CertificateKey key, CertificateRecord record, (AcmeWindow Window, TimeSpan? AskAgainAfter)? advice, DateTimeOffset now)
    {
        var wait = advice?.AskAgainAfter ?? UsualAsk;
        var asked = record with { AskRenewalAt = now + (wait < LeastAsk ? LeastAsk : wait > MostAsk ? MostAsk : wait) };
        return asked with
        {
            SuggestedRenewal = advice is { Window: var window } ? window.Start + (window.End - window.Start) * Share(key, window.Start.ToUnixTimeSeconds()) : null,
        };
    }

    /// <summary>From 0 to 1, always the same for the same: what is spread does not move at each look.</summary>
    private static double Share(CertificateKey key, long salt) =>
        BinaryPrimitives.ReadUInt32LittleEndian(SHA256.HashData(Encoding.UTF8.GetBytes($"{key} {salt}"))) / (double)uint.MaxValue;
}
