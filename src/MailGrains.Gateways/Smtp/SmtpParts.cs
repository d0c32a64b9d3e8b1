using MailGrains.Gateways.Connections;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways.Smtp;

/// <summary>What the SMTP sessions of this process share.</summary>
public sealed record SmtpParts(
    GatewayOptions Options, RecipientCheck Recipients, HandOver HandOver, AddressBudgets Budgets, GatewayMetrics Metrics,
    TimeProvider Time, ILogger<SmtpBackend> Logger);
