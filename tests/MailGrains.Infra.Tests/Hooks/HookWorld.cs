using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using MailGrains.Testing.Azure;
using MailGrains.Testing.Hosts;
using MailGrains.Testing.Programs;

namespace MailGrains.Infra.Tests.Hooks;

/// <summary>
/// Runs hooks as azd does (<c>dotnet run file.cs</c> in the file's folder, with the variables of an environment), in a world of doubles: azd's login, a vault,
/// Azure Resource Manager, each under the name that it has in Azure.
/// </summary>
public sealed class HookWorld : IAsyncLifetime
{
    private static readonly string Folder = Path.Combine(Repository.Folder, "infra", "hooks");

    private readonly DirectoryInfo _programs = Directory.CreateTempSubdirectory("mailgrains-hooks-");
    private readonly TestAuthority _authority = new();
    private readonly HashSet<string> _built = [];
    private ConnectProxy _proxy = null!;

    public KeyVaultServer Vault { get; private set; } = null!;

    public ResourceManagerServer ResourceManager { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Vault = await KeyVaultServer.StartAsync(_authority);
        ResourceManager = await ResourceManagerServer.StartAsync(_authority);
        _proxy = new ConnectProxy(name => name switch
        {
            KeyVaultServer.Host => Vault.Port,
            ResourceManagerServer.Host => ResourceManager.Port,
            _ => null,
        });
        LogIn();
    }

    public async ValueTask DisposeAsync()
    {
        await _proxy.DisposeAsync();
        await ResourceManager.DisposeAsync();
        await Vault.DisposeAsync();
        _authority.Dispose();
        _programs.Delete(recursive: true);
    }

    /// <param name="hook">Such as <c>predown</c>.</param>
    /// <param name="variables">Of the azd environment.</param>
    public Task<HookRun> RunAsync(string hook, IReadOnlyDictionary<string, string> variables, CancellationToken cancellationToken)
    {
        Dictionary<string, string> environment = new(variables)
        {
            // What azd adds.
            ["DOTNET_CLI_WORKLOAD_UPDATE_NOTIFY_DISABLE"] = "1",
            ["DOTNET_NOLOGO"] = "1",
            ["https_proxy"] = _proxy.Uri.ToString(),
            ["no_proxy"] = "",
            ["SSL_CERT_FILE"] = _authority.RootPath,
            ["PATH"] = $"{_programs.FullName}:{Environment.GetEnvironmentVariable("PATH")}",
        };
        // The first time it is built too. No feed is in reach then: its packages are those that this project was built with.
        string[] build = _built.Add(hook) ? [] : ["--no-build"];
        return StartAsync(["run", .. build, Path.Combine(Folder, $"{hook}.cs")], environment, cancellationToken);
    }

    private static async Task<HookRun> StartAsync(string[] arguments, Dictionary<string, string> environment, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo("dotnet", arguments)
        {
            WorkingDirectory = Folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("AZURE_", StringComparison.Ordinal) || name.StartsWith("MAILGRAINS_", StringComparison.Ordinal)).ToList())
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var errors = process.StandardError.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            return new HookRun(process.ExitCode, await output, await errors);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    /// <summary>A program named azd that hands out tokens as azd's does (<c>azd auth token --output json --scope …</c>).</summary>
    private void LogIn()
    {
        foreach (var resource in new[] { KeyVaultServer.Resource, ResourceManagerServer.Resource })
        {
            var expires = DateTimeOffset.UtcNow.AddHours(1);
            var token = new
            {
                token = AccessTokens.Issue(resource, DateTimeOffset.UtcNow, expires),
                expiresOn = expires.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
            };
            File.WriteAllText(Path.Combine(_programs.FullName, new Uri(resource).Host), JsonSerializer.Serialize(token));
        }

        var program = Path.Combine(_programs.FullName, "azd");
        File.WriteAllText(program, """
            #!/bin/sh
            for word; do
                case $word in https://*/.default) resource=${word#https://}; exec cat "$(dirname "$0")/${resource%/.default}" ;; esac
            done
            exit 1

            """);
        File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}

public sealed record HookRun(int ExitCode, string Output, string Errors)
{
    public string Everything => Output + Errors;
}
