using System.Diagnostics;
using System.Diagnostics.Metrics;
using MailGrains.Contracts.Directory;
using MailGrains.Gateways;
using MailGrains.Gateways.Acme;
using MailGrains.Gateways.Connections;
using MailGrains.Gateways.Tls;
using MailGrains.Grains;
using MailGrains.Grains.Alarms;
using MailGrains.Grains.Directory;
using MailGrains.Grains.Notices;
using MailGrains.Grains.Queues;
using MailGrains.Grains.Relay;
using MailGrains.Grains.Senders;
using MailGrains.Host.Configuration;
using MailGrains.Storage;
using MailGrains.Storage.Azure;
using MailGrains.Storage.Bodies;
using MailGrains.Storage.Secrets;
using MailGrains.Web;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Orleans.Hosting;

namespace MailGrains.Host.Startup;

/// <summary>
/// One process of the service: settings, store, silo, listeners. They start in this order and stop in the other one, listeners and their sessions as
/// <see cref="OrderlyStop"/> says.
/// </summary>
internal static class MailGrainsApplication
{
    /// <summary>
    /// Runs until the process is told to stop; 0, or 1 when it could not start or did not stop in order, with the reason on standard error.
    /// </summary>
    public static async Task<int> RunAsync(string[] args)
    {
        using var signals = new StopSignals();
        try
        {
            return await StartAndRunAsync(args, signals);
        }
        catch (OperationCanceledException) when (signals.First.IsCancellationRequested)
        {
            Console.WriteLine("MailGrains was told to stop before it had started.");
            return 0;
        }
        catch (Exception e) when (e is SettingsException or StoreException or StorageMismatchException or IOException or InvalidOperationException or TimeoutException)
        {
            // What closes behind the application may fail, too.
            await Console.Error.WriteLineAsync($"MailGrains {(signals.First.IsCancellationRequested ? "did not stop in order" : "can't start")}: {e.Message}");
            return 1;
        }
    }

    private static async Task<int> StartAndRunAsync(string[] args, StopSignals signals)
    {
        // The settings file lies beside the program; the data folder is relative to where the caller stands.
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { Args = args, ContentRootPath = AppContext.BaseDirectory });
        builder.Logging.AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
            console.UseUtcTimestamp = true;
        });
        using var early = EarlyServices(builder.Configuration);
        var (meters, logger) = (early.GetRequiredService<IMeterFactory>(), early.GetRequiredService<ILoggerFactory>().CreateLogger("MailGrains.Host"));
        var vault = await Providers.AddVaultSettingsAsync(builder.Configuration, logger, signals.First);
        var settings = HostSettings.Read(builder.Configuration);
        using var siloPort = SiloPort.Take(settings.Cluster.Address, settings.Cluster.SiloPort, "Cluster:SiloPort");
        using var gatewayPort = SiloPort.Take(settings.Cluster.Address, settings.Cluster.GatewayPort, "Cluster:GatewayPort");

        var apiKey = Secret.Of(settings.AdminApiKey, settings.Storage, "Admin:ApiKey", "admin.key");
        var demoPassword = settings.DemoEnabled ? Secret.Of(settings.DemoPassword, settings.Storage, "Demo:Password", "demo.password") : null;
        var (accounts, owner) = await Providers.OpenStoreAsync(settings, builder.Configuration, meters, logger, signals.First);
        await using var store = owner;
        var seal = await Providers.OpenSealAsync(accounts, vault, logger, signals.First);
        if (settings.SrsKeys.Count == 0)
        {
            var secrets = new SecretRows(accounts, seal, SecretRows.Shared);
            settings = settings with { SrsKeys = [(await secrets.FindOrMakeAsync("srs", Secret.Random, signals.First)).Value] };
        }

        var listeners = new Listeners(settings);
        AddServices(builder, settings, accounts, seal, meters, new AdminOptions { ApiKey = apiKey.Value });
        builder.UseOrleans(silo => SiloSetup.Configure(silo, settings, siloPort.Number, gatewayPort.Number));
        AddBehindSilo(builder.Services, settings, demoPassword);
        builder.WebHost.ConfigureKestrel(listeners.Configure);

        // A session goes on where its bytes arrived, on a thread of the pool; another hop through the pool would cost more than its next step.
        builder.WebHost.UseSockets(sockets => sockets.UnsafePreferInlineScheduling = true);
        builder.Services.AddSingleton<IConnectionListenerFactory, PatientListenerFactory>();

        builder.Services.AddSingleton(signals);
        builder.Services.AddSingleton<IHostLifetime>(signals);
        builder.Services.AddHostedService<OrderlyStop>();

        await using var app = builder.Build();
        Map(app, settings);
        signals.First.Register(app.Services.GetRequiredService<Drain>().Announce);
        await StartAsync(app, signals, settings.Drain.Limit);
        if (!signals.First.IsCancellationRequested)
        {
            Announce(settings, apiKey, demoPassword, listeners);
        }

        signals.First.Register(app.Lifetime.StopApplication);
        return await StopAsync(app, settings.Drain.Limit);
    }

    /// <summary>What starts once the silo runs.</summary>
    private static void AddBehindSilo(IServiceCollection services, HostSettings settings, Secret? demoPassword)
    {
        services.AddMailboxGrains(startUpkeep: settings.Has(HostRoles.Grains));
        if (settings.Has(HostRoles.Grains) || settings.Has(HostRoles.Relay))
        {
            services.AddHostedService<AlarmWatch>();
        }

        if (settings.Has(HostRoles.Grains))
        {
            services.AddHostedService<QueueRecovery>();
        }

        if (demoPassword is not null && settings.Has(HostRoles.Grains))
        {
            services.AddHostedService(provider => new DemoTenant(provider.GetRequiredService<IGrainFactory>(), demoPassword));
        }

        if (settings.Acme.Directory is not null && settings.Has(HostRoles.Gateway))
        {
            services.AddHostedService<CertificateStart>();
        }
    }

    /// <summary>Waits until the process is told to stop, and stops: 0, or 1 where it did not end in order.</summary>
    private static async Task<int> StopAsync(WebApplication app, TimeSpan limit)
    {
        var began = Stopwatch.StartNew();
        await using var registration = app.Lifetime.ApplicationStopping.Register(began.Restart);
        try
        {
            await app.WaitForShutdownAsync();
            if (began.Elapsed < limit)
            {
                return 0;
            }

            // What is asked to hurry mostly ends without a word.
            await Console.Error.WriteLineAsync($"MailGrains ended: the stop took longer than {limit} and was broken off.");
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // Whatever it is: what stands in the store is committed, and the process ends, as it was told to.
            await Console.Error.WriteLineAsync($"MailGrains did not stop in order: {e}");
        }

        return 1;
    }

    /// <summary>
    /// A start that has begun is finished though the process was told to stop meanwhile, so that its silo can leave the cluster; a second signal, or a start that
    /// takes longer than a stop may, breaks it off.
    /// </summary>
    private static async Task StartAsync(WebApplication app, StopSignals signals, TimeSpan limit)
    {
        signals.First.ThrowIfCancellationRequested();
        using var late = CancellationTokenSource.CreateLinkedTokenSource(signals.Second);
        await using var told = signals.First.Register(() => late.CancelAfter(limit));
        try
        {
            await app.StartAsync(late.Token);
        }
        catch (Exception e) when (late.IsCancellationRequested)
        {
            throw new OperationCanceledException("The start was broken off.", e);
        }
    }

    /// <summary>Meters and a log for what happens before the application is built.</summary>
    private static ServiceProvider EarlyServices(ConfigurationManager configuration) => new ServiceCollection()
        .AddMetrics()
        .AddLogging(logging => logging.AddConfiguration(configuration.GetSection("Logging")).AddSimpleConsole(console => console.SingleLine = true))
        .BuildServiceProvider();

    private static void AddServices(
        WebApplicationBuilder builder, HostSettings settings, StorageAccounts accounts, SecretSeal seal, IMeterFactory meters, AdminOptions admin)
    {
        var services = builder.Services;
        services.AddSingleton(meters);
        services.AddSingleton(accounts);
        services.AddSingleton(seal);
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton(settings.Drain);
        services.Configure<HostOptions>(options => options.ShutdownTimeout = settings.Drain.Limit);
        services.AddDirectoryGrains();
        services.AddSenderGrains();
        AddRelay(services, settings);
        services.AddMailGrainsWeb(admin);
        StoredKeyRing.Add(services);
        Readiness.Add(services);
        services.AddHealthChecks().AddCheck<AlarmCheck>(AlarmCheck.Name);
        Telemetry.Add(services, builder.Configuration);

        services.AddMailGateways(
            new GatewayOptions
            {
                HostName = settings.HostName,
                MaxMessageBytes = settings.MaxMessageBytes,
                GreetDelay = settings.GreetDelay,
                TarpitDelay = settings.TarpitDelay,
                RelayTenant = settings.RelayTenant,
                QueueShards = settings.Relay.Queues.Shards,
                SrsKeys = settings.SrsKeys,
            },
            settings.Connections,
            new TlsOptions { HostName = settings.HostName, Certificates = settings.Certificates });
        services.AddMailFilters(settings.Filters);
        services.AddAcme(settings.Acme);
        if (settings.Has(HostRoles.Gateway) || settings.Endpoints.Https is not null)
        {
            services.AddHostedService<CertificateReload>();
        }
    }

    private static void AddRelay(IServiceCollection services, HostSettings settings)
    {
        services.AddQueueGrains(settings.Relay.Queues, new NoticeOptions { HostName = settings.HostName });
        if (settings.Has(HostRoles.Grains))
        {
            services.TryAddSingleton(settings.Relay.Limits);
        }

        if (settings.Has(HostRoles.Relay))
        {
            services.AddRelay(settings.Relay.Relay with { StopTime = settings.Drain.RelayTime }, settings.Relay.Destinations, settings.Relay.Limits);
        }
    }

    private static void Map(WebApplication app, HostSettings settings)
    {
        var drain = app.Services.GetRequiredService<Drain>();
        app.Use((context, next) =>
        {
            if (drain.IsAnnounced)
            {
                // The next request comes on another connection, and so to another process: HTTP/1.1 gets "Connection: close", HTTP/2 a GOAWAY.
                context.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
            }

            return next(context);
        });
        app.UseMailGrainsWeb(settings.Endpoints.Https is null ? null : settings.HttpsPublicPort);
        app.MapHealthChecks("/health/live", new HealthCheckOptions { Predicate = static _ => false });
        Readiness.Map(app);
        app.MapHealthChecks("/health", new HealthCheckOptions { ResponseWriter = HealthDetail.WriteAsync }).RequireAuthorization(OperatorPolicy.Name);
        app.MapPrometheusScrapingEndpoint("/metrics").RequireAuthorization(OperatorPolicy.Name);
        if (settings.Acme.Directory is not null && (settings.Has(HostRoles.Gateway) || settings.Has(HostRoles.Web)))
        {
            app.MapAcmeChallenges();
        }

        if (settings.Has(HostRoles.Web))
        {
            app.MapMailGrainsApi();
            app.MapMailGrainsDashboard();
        }
    }

    private static void Announce(HostSettings settings, Secret apiKey, Secret? demoPassword, Listeners listeners)
    {
        if (settings.Storage.Provider == StorageProvider.Sqlite)
        {
            Console.WriteLine($"Data folder: {settings.Storage.Path}");
        }

        if (apiKey.Path is not null)
        {
            Console.WriteLine($"Operator's key: {apiKey.Path}");
        }

        if (demoPassword?.Path is not null)
        {
            Console.WriteLine($"Password of the demo mailboxes alice@{DemoTenant.Domain} and bob@{DemoTenant.Domain}: {demoPassword.Path}");
        }

        Console.WriteLine($"MailGrains ready {listeners}");
    }
}
