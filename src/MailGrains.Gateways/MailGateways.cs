using System.Text;
using MailGrains.Contracts;
using MailGrains.Contracts.Directory;
using MailGrains.Gateways.Accounts;
using MailGrains.Gateways.Connections;
using MailGrains.Gateways.Filters;
using MailGrains.Gateways.Pop3;
using MailGrains.Gateways.Smtp;
using MailGrains.Gateways.Submissions;
using MailGrains.Gateways.Tls;
using MailGrains.Messages.Srs;
using MailGrains.Messages.Summaries;
using MailGrains.Protocols.Tls;
using MailGrains.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace MailGrains.Gateways;

public static class MailGateways
{
    private const int MaxIssuerBytes = 256 * 1024;

    private static readonly TimeSpan IssuerTimeout = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Adds the gateways and what they ask for, save <see cref="Storage.StorageAccounts"/>, <see cref="Storage.Secrets.SecretSeal"/> and the grain
    /// factory. Certificates are there once <see cref="CertificateReload"/> has started.
    /// </summary>
    public static IServiceCollection AddMailGateways(
        this IServiceCollection services, GatewayOptions options, ConnectionOptions connections, TlsOptions tls)
    {
        services.AddSingleton(options);
        services.AddSingleton<Drain>();
        services.AddConnectionPolicy(connections);
        services.AddSingleton(tls);
        services.AddSingleton<SelfSignedCertificate>();
        services.AddSingleton<CertificateStore>();
        services.AddSingleton<TlsCertificates>(provider => provider.GetRequiredService<CertificateStore>().Find);
        services.AddSingleton<GatewayMetrics>();
        services.AddSingleton(_ => new SummaryReader());
        services.TryAddSingleton<RecipientResolver>();
        services.TryAddSingleton<QueueAccounts>();
        services.AddSingleton<QueueChoice>();
        services.AddSingleton(provider => new SenderRewriting(options.SrsKeys.Select(Encoding.UTF8.GetBytes), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<ForwardedSender>();
        services.AddSingleton<QueueStarts>();
        services.AddSingleton<QueueHandOver>();
        services.AddSingleton<HandOver>();
        services.AddSingleton<OwnAddresses>();
        services.AddSingleton<SendingAllowance>();
        services.AddSingleton(RightsByAccount);
        services.AddSingleton<RecipientCheck>();
        services.AddSingleton<SmtpParts>();
        services.AddSingleton(provider => new IssuerKeys(
            new HttpClient { Timeout = IssuerTimeout, MaxResponseContentBufferSize = MaxIssuerBytes }, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<TokenChecks>();
        services.AddSingleton<LoginParts>();
        services.AddSingleton<SmtpGateway>();
        services.AddSingleton<Pop3Gateway>();
        return services;
    }

    /// <summary>Adds filters of mail; without this call, or without any filter in the options, there are none.</summary>
    public static IServiceCollection AddMailFilters(this IServiceCollection services, FilterOptions options) =>
        services.AddSingleton(provider => options.Build(
            provider.GetRequiredService<GatewayMetrics>(), provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<FilterPipeline>>()));

    private static SenderRightsOf RightsByAccount(IServiceProvider services)
    {
        var accounts = new GrainKind<IAccountGrain>(services.GetRequiredService<IGrainFactory>());
        return (login, cancellationToken) => AddressName.TryParse(login.Address, out var address)
            ? accounts.Of(AccountKey.Of(login.Tenant, address)).GetSenderRightsAsync(cancellationToken)
            : default;
    }
}
