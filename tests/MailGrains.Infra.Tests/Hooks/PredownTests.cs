using Azure.Identity;
using MailGrains.Deployment;

namespace MailGrains.Infra.Tests.Hooks;

/// <summary>Before mail is deleted somebody says so.</summary>
public sealed class PredownTests : IDisposable
{
    private readonly StringWriter _told = new();

    public void Dispose() => _told.Dispose();

    [Fact]
    public async Task Whoever_types_the_environments_name_means_it()
    {
        await RunAsync("prod\n", interactive: true);

        Assert.Contains("deletes ALL MAIL of prod: its storage accounts (https://stm0.blob.core.windows.net)", _told.ToString(), StringComparison.Ordinal);
        Assert.Contains("Type prod to delete it: Confirmed", _told.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("y\n")]
    [InlineData("PROD\n")]
    [InlineData("\n")]
    [InlineData("")]
    public async Task Anything_else_keeps_the_mail(string typed)
    {
        var failure = await Assert.ThrowsAsync<HookException>(() => RunAsync(typed, interactive: true));

        Assert.Contains("nothing was deleted", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_nobody_can_be_asked_the_name_stands_in_a_variable()
    {
        await Assert.ThrowsAsync<HookException>(() => RunAsync("prod\n", interactive: false));
        await Assert.ThrowsAsync<HookException>(() => RunAsync("prod\n", interactive: false, confirmation: "yes"));

        await RunAsync("", interactive: false, confirmation: "prod");
    }

    private async Task RunAsync(string typed, bool interactive, string? confirmation = null)
    {
        Dictionary<string, string?> variables = new()
        {
            ["AZURE_ENV_NAME"] = "prod",
            ["MAILGRAINS_STORAGE_URIS"] = "https://stm0.blob.core.windows.net",
            [Predown.Confirmation] = confirmation,
        };
        using var input = new StringReader(typed);
        using var hook = new Hook(new AzureDeveloperCliCredential(), new AzdVariables(variables.GetValueOrDefault), input, _told, interactive);
        await Predown.RunAsync(hook, TestContext.Current.CancellationToken);
    }
}
