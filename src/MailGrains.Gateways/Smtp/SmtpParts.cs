using MailGrains.Contracts.Directory;
using MailGrains.Gateways.Connections;
using MailGrains.Gateways.Submissions;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Smtp;

/// <summary>What the SMTP sessions of this process share.</summary>
public sealed record SmtpParts(
    GatewayOptions Options, IGrainFactory Grains, RecipientCheck Recipients, HandOver HandOver, QueueStarts QueueStarts, AddressBudgets Budgets, OwnAddresses OwnAddresses,
    SenderRightsOf RightsOf, SendingAllowance Allowance, GatewayMetrics Metrics,
    TimeProvider Time, ILogger<SmtpBackend> Logger, ILogger<Submission> SubmissionLogger)
{
    /// <summary>What a login may submit.</summary>
    public Submission SubmissionOf(LoginAccount login) => new(login, RightsOf, OwnAddresses, Allowance, Options, Time, SubmissionLogger);
}
