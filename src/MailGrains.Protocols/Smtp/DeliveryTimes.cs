namespace MailGrains.Protocols.Smtp;

/// <summary>HOLDFOR= or HOLDUNTIL= of RFC 4865.</summary>
/// <param name="ReleaseAt">The message is not to be sent before; an interval counts from MAIL.</param>
/// <param name="Request">What was asked for, as reports say it: <c>for;3600</c> or <c>until;2030-01-31T08:00:00Z</c>.</param>
public sealed record FutureRelease(DateTimeOffset ReleaseAt, string Request);

/// <summary>BY= of RFC 2852.</summary>
/// <param name="At">When it is too late, counted from MAIL; without <paramref name="Returns"/> it may have passed already.</param>
/// <param name="Returns">R: then the message is returned. Else (N) its sender is told of the delay, and it goes on.</param>
/// <param name="Trace">T: a report when it is relayed to a server that knows no BY.</param>
public sealed record DeliverByTime(DateTimeOffset At, bool Returns, bool Trace);
