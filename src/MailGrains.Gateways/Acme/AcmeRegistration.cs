using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace MailGrains.Gateways.Acme;

public static class AcmeRegistration
{
    /// <summary>The classes of the grains here: a silo that takes no mail removes them from its manifest, so that they never land on it.</summary>
    public static IReadOnlyList<Type> Grains { get; } = [typeof(CertificateGrain)];

    /// <summary>What the grain, the answers to challenges and the certificates of this process need; behind <see cref="MailGateways.AddMailGateways"/>.</summary>
    /// <remarks><see cref="CertificateStart"/> sees to it that the grain runs, behind the silo.</remarks>
    public static IServiceCollection AddAcme(this IServiceCollection services, AcmeOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton<AcmeMetrics>();
        services.AddSingleton<CertificateParts>();
        services.AddSingleton(provider => new ChallengeAnswers(
            provider.GetRequiredService<CertificateParts>().Challenges, provider.GetRequiredService<TimeProvider>()));
        if (options.Directory is not null)
        {
            services.AddSingleton<OrderedCertificates>();
        }

        return services;
    }

    /// <summary>Answers challenges (RFC 8555 §8.3), of whichever process they are.</summary>
    public static void MapAcmeChallenges(this IEndpointRouteBuilder app) => app.MapGet(
        "/.well-known/acme-challenge/{token}",
        async (string token, ChallengeAnswers answers, CancellationToken cancellationToken) =>
            await answers.FindAsync(token, cancellationToken) is { } answer
                ? Results.Text(answer, "application/octet-stream")
                : Results.NotFound());
}
