using System.Net;
using MailGrains.Deployment;
using MailGrains.Infra.Tests.Bicep;
using Microsoft.Extensions.Time.Testing;

namespace MailGrains.Infra.Tests.Hooks;

public sealed class ResourceProvidersTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly List<string> _told = [];

    [Theory]
    [MemberData(nameof(Snapshot.All), MemberType = typeof(Snapshot))]
    public void Those_of_the_template_and_of_its_nodes_are_needed(string profile)
    {
        // Every subscription has the first two.
        var named = Snapshot.Read(profile).Resources.Select(resource => resource!.Text("type")!.Split('/')[0])
            .Except(["Microsoft.Resources", "Microsoft.Authorization"]).Append("Microsoft.Compute");

        Assert.Equal(named.Distinct().Order(), ResourceProviders.Needed);
    }

    [Fact]
    public async Task What_is_registered_is_left_alone()
    {
        var azure = new ManagementAnswers((_, _) => State("Registered"));

        Assert.Equal(Weight.Good, (await EnsureAsync(azure))?.Weight);

        Assert.Equal(ResourceProviders.Needed.Count, azure.Requests.Count);
        Assert.All(azure.Requests, request => Assert.Equal("GET", request.Method));
        Assert.Empty(_told);
    }

    [Fact]
    public async Task What_is_missing_is_registered_and_waited_for()
    {
        var asked = 0;
        var azure = new ManagementAnswers((method, path) => path switch
        {
            _ when !path.Contains("Microsoft.Compute", StringComparison.Ordinal) => State("Registered"),
            _ when method == "POST" => State("Registering"),
            _ => State(asked++ switch { 0 => "NotRegistered", < 4 => "Registering", _ => "Registered" }),
        });

        var finding = await EnsureAsync(azure);

        Assert.Equal(Weight.Good, finding?.Weight);
        Assert.Contains("Microsoft.Compute", finding?.Text, StringComparison.Ordinal);
        Assert.Equal(
            $"/subscriptions/{ManagementAnswers.SubscriptionId}/providers/Microsoft.Compute/register",
            Assert.Single(azure.Requests, request => request.Method == "POST").Path);
        Assert.Equal(5, asked);
        Assert.Contains("Microsoft.Compute", Assert.Single(_told), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_may_not_register_is_told_what_another_has_to_run()
    {
        var azure = new ManagementAnswers((method, path) =>
            method == "POST" ? (HttpStatusCode.Forbidden, """{"error":{"code":"AuthorizationFailed"}}""")
            : State(path.EndsWith("Microsoft.Storage", StringComparison.Ordinal) || path.EndsWith("Microsoft.Compute", StringComparison.Ordinal) ? "NotRegistered" : "Registered"));

        var finding = await EnsureAsync(azure);

        Assert.Equal(Weight.Failure, finding?.Weight);
        Assert.Contains("`az provider register --namespace Microsoft.Compute --wait`; `az provider register --namespace Microsoft.Storage --wait`", finding?.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_that_is_under_way_is_not_asked_for_again_and_not_waited_for_for_ever()
    {
        var started = _time.GetUtcNow();
        var azure = new ManagementAnswers((_, path) => State(path.EndsWith("Microsoft.Network", StringComparison.Ordinal) ? "Registering" : "Registered"));

        var finding = await EnsureAsync(azure);

        Assert.Equal(Weight.Failure, finding?.Weight);
        Assert.StartsWith("Microsoft.Network:", finding?.Text, StringComparison.Ordinal);
        Assert.DoesNotContain(azure.Requests, request => request.Method == "POST");
        Assert.InRange(_time.GetUtcNow() - started, ResourceProviders.Patience - TimeSpan.FromMinutes(1), ResourceProviders.Patience + TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task What_is_not_told_stops_nothing()
    {
        Assert.Null(await EnsureAsync(new ManagementAnswers((_, _) => (HttpStatusCode.InternalServerError, "{}"))));
    }

    private static (HttpStatusCode Status, string Body) State(string state) => (HttpStatusCode.OK, $$"""{"registrationState":"{{state}}"}""");

    // Time goes on whenever somebody waits for it.
    private async Task<Finding?> EnsureAsync(ManagementAnswers azure)
    {
        var done = new ResourceProviders(azure.Subscription(), _time, _told.Add).EnsureAsync(TestContext.Current.CancellationToken);
        while (!done.IsCompleted)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        return await done;
    }
}
