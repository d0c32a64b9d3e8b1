using MailGrains.Contracts.Directory;
using MailGrains.Contracts.Mailboxes;
using MailGrains.Web.Api;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace MailGrains.Web.Users;

/// <summary>What users see and change of their own account.</summary>
internal static class UserEndpoints
{
    public const string Path = "/me";

    public static void Map(RouteGroupBuilder me)
    {
        me.MapGet("", GetAsync).DescribeGet<UserView>("GetMe", "The account that is logged in");
        me.MapPut("/password", PutPasswordAsync)
            .Accepts<PasswordBody>("application/json")
            .DescribeUserChange("PutMyPassword", "Changes the password")
            .Produces(StatusCodes.Status204NoContent);
        me.MapGet("/app-passwords", ListAsync).DescribeGet<AppPasswordsView>("ListMyAppPasswords", "The account's app passwords, without their secrets");
        me.MapPost("/app-passwords", MakeAsync)
            .Accepts<AppPasswordBody>("application/json")
            .DescribeUserChange("MakeMyAppPassword", "Makes an app password; its secret is seen this once")
            .Produces<NewAppPasswordView>(StatusCodes.Status201Created);
        me.MapDelete("/app-passwords/{id}", RevokeAsync).DescribeDelete("RevokeMyAppPassword", "Revokes an app password");
    }

    private static async Task<IResult> GetAsync(HttpContext context, IGrainFactory grains, CancellationToken cancellationToken)
    {
        var user = UserLogin.Of(context);
        var mailbox = await grains.GetGrain<IMailboxGrain>(user.Account.Mailbox.ToString()).GetOverviewAsync(cancellationToken);
        var appPasswords = await user.Grain.ListAppPasswordsAsync(cancellationToken);
        return TypedResults.Ok(
            new UserView(user.Account.Address, mailbox?.QuotaBytes ?? 0, mailbox?.UsedBytes ?? 0, appPasswords.Passwords.Length));
    }

    private static async Task<IResult> PutPasswordAsync(HttpContext context, UserLogin login, CancellationToken cancellationToken)
    {
        var user = WithOwnPassword(context);
        var body = await RequestBody.ReadAsync(context, ApiJson.Default.PasswordBody, new PasswordBody());
        if (body is not { Current: { } current, New: { } next })
        {
            throw new ApiException(StatusCodes.Status400BadRequest, "current and new are the two passwords.");
        }

        var change = await user.Grain.ChangePasswordAsync(current, next, user.Attempt, cancellationToken);
        var wrong = ApiProblems.Of(StatusCodes.Status403Forbidden, "current is not the present password.");
        return await login.RefusalAsync(context, user.Account.Address, change.Login, user.Attempt, wrong) ??
            (change.Refusal is { } refusal ? ApiProblems.Of(StatusCodes.Status400BadRequest, refusal) : TypedResults.NoContent());
    }

    private static async Task<IResult> ListAsync(HttpContext context, CancellationToken cancellationToken) =>
        TypedResults.Ok(AppPasswordEndpoints.View(await WithOwnPassword(context).Grain.ListAppPasswordsAsync(cancellationToken)));

    private static async Task<IResult> MakeAsync(HttpContext context, CancellationToken cancellationToken)
    {
        var user = WithOwnPassword(context);
        var body = await RequestBody.ReadAsync(context, ApiJson.Default.AppPasswordBody, new AppPasswordBody());
        if (body.Label is not { } label)
        {
            throw new ApiException(StatusCodes.Status400BadRequest, "An app password has a label.");
        }

        var made = await user.Grain.MakeAppPasswordAsync(label, ScopeNames.Read(body.Scopes), body.Expires, cancellationToken);
        return made is { Password: { } password, Secret: { } secret }
            ? TypedResults.Created((string?)null, new NewAppPasswordView(AppPasswordEndpoints.View(password), secret))
            : ApiProblems.Of(StatusCodes.Status400BadRequest, made.Refusal);
    }

    private static async Task<IResult> RevokeAsync(HttpContext context, string id, CancellationToken cancellationToken) =>
        await WithOwnPassword(context).Grain.RevokeAppPasswordAsync(id, cancellationToken)
            ? TypedResults.NoContent()
            : ApiProblems.NotFound("The account has no such app password.");

    /// <summary>A program that was given an app password must not give itself another, nor take the account.</summary>
    private static User WithOwnPassword(HttpContext context) => UserLogin.Of(context) is { Account.AppPassword: null } user
        ? user
        : throw new ApiException(StatusCodes.Status403Forbidden, "An app password does not open this.");
}
