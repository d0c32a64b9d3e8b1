using MailGrains.Contracts.Calls;

namespace MailGrains.Contracts.Senders;

/// <summary>
/// How much an account, or a whole tenant, has sent: sliding hours and days. Key: <c>tenant/address</c>, or the tenant's name. A crash may forget the last
/// seconds.
/// </summary>
[Alias("mailgrains.ISenderGrain")]
public interface ISenderGrain : IGrainWithStringKey
{
    /// <summary>Takes one message's worth, or nothing where a limit would be passed.</summary>
    /// <param name="limits">Null: the service's default for this key.</param>
    [Alias("TryTake"), MayRepeat]
    ValueTask<SendGrant> TryTakeAsync(int recipients, SendingLimits? limits, CancellationToken cancellationToken);

    /// <summary>Gives back what was taken for a message that was refused after all.</summary>
    [Alias("GiveBack")]
    ValueTask GiveBackAsync(int recipients, CancellationToken cancellationToken);

    [Alias("GetUsage"), MayRepeat]
    ValueTask<SendingUsage> GetUsageAsync(SendingLimits? limits, CancellationToken cancellationToken);
}

/// <summary>The most in any hour and any day; 0: nothing may be sent.</summary>
[GenerateSerializer, Immutable, Alias("mailgrains.SendingLimits")]
public sealed record SendingLimits(
    [property: Id(0)] int MessagesPerHour, [property: Id(1)] int MessagesPerDay, [property: Id(2)] int RecipientsPerHour, [property: Id(3)] int RecipientsPerDay)
{
    /// <summary>None is negative.</summary>
    public bool IsSound => this is { MessagesPerHour: >= 0, MessagesPerDay: >= 0, RecipientsPerHour: >= 0, RecipientsPerDay: >= 0 };
}

/// <param name="RetryAfter">When it may be tried again; zero where it was granted, or never will be.</param>
/// <param name="Limit">Which limit, such as "300 messages an hour"; null where it was granted.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.SendGrant")]
public sealed record SendGrant([property: Id(0)] bool Allowed, [property: Id(1)] TimeSpan RetryAfter, [property: Id(2)] string? Limit);

/// <param name="Limits">Those in force.</param>
[GenerateSerializer, Immutable, Alias("mailgrains.SendingUsage")]
public sealed record SendingUsage(
    [property: Id(0)] int MessagesThisHour, [property: Id(1)] int MessagesThisDay, [property: Id(2)] int RecipientsThisHour,
    [property: Id(3)] int RecipientsThisDay, [property: Id(4)] SendingLimits Limits);
