using MailGrains.Contracts.Senders;

namespace MailGrains.Grains.Senders;

/// <summary>What may be sent where neither the tenant nor the account says otherwise; immutable.</summary>
public sealed record SenderOptions
{
    /// <summary>For one account.</summary>
    public SendingLimits Account { get; init; } = new(300, 1_000, 1_000, 3_000);

    /// <summary>For a tenant's accounts together.</summary>
    public SendingLimits Tenant { get; init; } = new(3_000, 10_000, 10_000, 30_000);

    /// <summary>A change is stored this much later, with all that came meanwhile; a crash forgets as much.</summary>
    public TimeSpan WriteDelay { get; init; } = TimeSpan.FromSeconds(5);
}
